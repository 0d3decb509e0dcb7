"""Azure OpenAI: the addresses of a resource's models, and how requests to them carry the key.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["AzureEndpoint"]

_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(slots=True, frozen=True)
class AzureEndpoint:
    """A deployment of a model in a resource of Azure OpenAI.

    Attributes:
        resource: the resource's name, or its address such as `https://NAME.openai.azure.com`.
        deployment: the name that the deployment was given; it takes the place of the model's name.
        api_version: the version of the API by its date, such as `2024-10-21`; None means v1, which needs none.

    Raises:
        ValueError: the resource is neither a name nor an address.
    """

    resource: str
    deployment: str
    api_version: str | None = None

    def __post_init__(self) -> None:
        if not self.resource.startswith("https://") and not _RESOURCE.fullmatch(self.resource):
            raise ValueError(
                f"resource= must be the name of the Azure resource or its address with https, not {self.resource[:100]!r}."
            )
        if not self.deployment.strip():
            raise ValueError("deployment= must name a deployment of the Azure resource.")

    @property
    def base_url(self) -> str:
        """The address to which requests are sent, up to the path of a request, with the version as its query."""
        root = self.resource if "://" in self.resource else f"https://{self.resource}.openai.azure.com"
        root = f"{root.rstrip('/').removesuffix('/openai')}/openai"
        if self.api_version is None:
            return f"{root}/v1"
        return f"{root}?api-version={quote(self.api_version, safe='')}"

    @property
    def chat_path(self) -> str:
        """The path of Chat Completions under that address: for dated versions it contains the deployment. The path of Responses never does."""
        path = "chat/completions"
        return path if self.api_version is None else f"deployments/{quote(self.deployment, safe='')}/{path}"
