"""Requests to the API, and results that never raise."""
import os
from dataclasses import dataclass, field
from typing import Any

import requests


@dataclass
class Result:
    request_id: str = ""
    success: bool = False
    data: Any = None
    error_message: str = ""
    reply: dict = field(default_factory=dict)
    status: int = 0


class Api:
    def __init__(self, api_key=None):
        self.api_key = api_key or os.environ["AGB_API_KEY"]
        endpoint = os.environ.get("AGB_ENDPOINT", "sdk-api.agb.cloud")
        self.endpoint = endpoint if endpoint.startswith(("http://", "https://")) else f"https://{endpoint}"
        self.timeout_ms = 60000

    def send(self, method, path, query=None, body=None):
        """A failure is a result. Everything here is strict: exactly 200 and `success`."""
        headers = {"authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        given = {name: value for name, value in (query or {}).items() if value is not None}
        sent = ({} if body is None else body) if method == "POST" else None
        try:
            response = requests.request(
                method, self.endpoint + path, headers=headers, params=given, json=sent, timeout=self.timeout_ms // 1000
            )
            reply = response.json()
        except (requests.RequestException, ValueError) as error:
            return Result(error_message=str(error))
        request_id = reply.get("requestId") or response.headers.get("x-request-id", "")
        good = response.status_code == 200 and reply.get("success") is True
        said = "" if good else reply.get("message") or f"HTTP {response.status_code} error"
        return Result(request_id, good, reply.get("data"), said, reply, response.status_code)

    def post(self, path, query=None, body=None):
        return self.send("POST", path, query, body)

    def get(self, path, query=None):
        return self.send("GET", path, query)
