"""Key pairs for tests, made once, in each format that people paste."""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID = "0oa1client2id3for4tests"
KID = "the-kid"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(curve: str = "secp256r1") -> ec.EllipticCurvePrivateKey:
    known: list[ec.EllipticCurve]
    known = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()]
    curves = {one.name: one for one in known}
    return ec.generate_private_key(curves[curve])


def jwk(key: Any, **members: object) -> dict[str, Any]:
    algorithm = (
        RSAAlgorithm
        if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey)
        else ECAlgorithm
    )
    return {**algorithm.to_jwk(key, as_dict=True), "kid": KID, **members}


def pem(key: Any, form: str = "PKCS8", password: bytes | None = None) -> str:
    forms = {
        "PKCS8": serialization.PrivateFormat.PKCS8,
        "PKCS1": serialization.PrivateFormat.TraditionalOpenSSL,
    }
    encryption: serialization.KeySerializationEncryption
    encryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    content: bytes = key.private_bytes(
        serialization.Encoding.PEM, forms[form], encryption
    )
    return content.decode()


def written(private_key: object, **members: object) -> str:
    """The secret as it is kept: JSON with client id and key."""
    return json.dumps({"client_id": CLIENT_ID, "private_key": private_key, **members})


@cache
def secret() -> str:
    """A secret whose key is quick to read: EC, where RSA takes 40 ms."""
    return written(jwk(ec_key()))
