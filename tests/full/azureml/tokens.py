"""Who the client is: tokens for a service principal, and for a job's managed identity."""

import base64
import json
import time
from urllib.parse import parse_qs

from azureml.messages import Answer, Request, Routes

LIFETIME = 3_600  # seconds
# With any other tenant the client first asks Microsoft whether it knows the authority.
TENANT, CLIENT, SECRET = "adfs", "11111111-1111-1111-1111-111111111111", "let me in"
SUBJECT = "33333333-3333-3333-3333-333333333333"


def token(audience: str) -> str:
    """A token that can be decoded, signed by nobody."""
    now = int(time.time())
    claims = {"aud": audience, "iss": "emulator", "tid": SUBJECT, "oid": SUBJECT}
    claims |= {"appid": CLIENT, "nbf": now, "iat": now, "exp": now + LIFETIME}
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), "c2lnbmF0dXJl"])


def bearer(request: Request) -> bool:
    """Whether the request carries a token."""
    return request.headers.get("Authorization", "").startswith("Bearer ")


class Identities:
    """The authority that service principals ask, and the endpoint that jobs ask."""

    def __init__(self, address: str) -> None:
        self.address = address

    def add_routes(self, routes: Routes) -> None:
        tenant = r"/(?P<tenant>[^/]+)"
        openid = rf"{tenant}(/v2\.0)?/\.well-known/openid-configuration"
        routes.add("GET", openid, lambda request, match: self._openid(match["tenant"]))
        routes.add("POST", rf"{tenant}/oauth2(/v2\.0)?/token", self._service_principal)
        routes.add("GET", "/msi/token", self._managed_identity)

    def service_principal(self) -> dict[str, str]:
        """The variables of a service principal."""
        return {
            "AZURE_AUTHORITY_HOST": self.address,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_CLIENT_SECRET": SECRET,
        }

    def managed_identity(self) -> dict[str, str]:
        """The variables that Azure ML gives to a job."""
        return {"MSI_ENDPOINT": f"{self.address}/msi/token", "MSI_SECRET": SECRET}

    def _openid(self, tenant: str) -> Answer:
        return Answer(
            body={
                "issuer": f"{self.address}/{tenant}",
                "authorization_endpoint": f"{self.address}/{tenant}/oauth2/authorize",
                "token_endpoint": f"{self.address}/{tenant}/oauth2/token",
            }
        )

    def _service_principal(self, request: Request, match: object) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            words = "AADSTS7000215: Invalid client secret provided."
            return Answer(401, {"error": "invalid_client", "error_description": words})
        audience = form["scope"].split()[0].removesuffix("/.default")
        return Answer(
            body={
                "access_token": token(audience),
                "token_type": "Bearer",
                "expires_in": LIFETIME,
            }
        )

    def _managed_identity(self, request: Request, match: object) -> Answer:
        # Azure ML and App Service name the header differently.
        given = request.headers.get("secret") or request.headers.get("X-IDENTITY-HEADER")
        if given != SECRET:
            return Answer(401, {"error": "unauthorized"})
        resource = request.query["resource"]
        return Answer(
            body={
                "access_token": token(resource),
                "token_type": "Bearer",
                "resource": resource,
                "expires_on": str(int(time.time()) + LIFETIME),
            }
        )


def _part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
