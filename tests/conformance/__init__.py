"""What is sent and answered, against Slack's and Okta's own descriptions."""
