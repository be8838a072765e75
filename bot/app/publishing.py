"""The public keys of each integration, for Okta to fetch: GET /jwks/NAME.json."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ops.rotation import published
from bot.store.database import Database


def jwks_route(database: Database) -> Route:
    """Return the route that shows what is public of the keys, and nothing else."""

    async def show(request: Request) -> Response:
        jwks = await database.read(published, request.path_params["name"])
        if jwks is None:
            return Response(status_code=404)
        return JSONResponse(jwks, headers={"Cache-Control": "max-age=300"})

    return Route("/jwks/{name}.json", show)
