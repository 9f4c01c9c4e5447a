"""What the gateway answers by itself, and how it maps a model's status to Azure's (spec section 4). Pure."""

from typing import Any, Final

from sandbox.gateway.words import HEADER_MODEL_TIME, HEADER_REASON, HEADER_STATUS, Json, set_header

TOO_MANY: Final = "too_many_pending_request"
NOT_READY: Final = "model_not_ready"
MODEL_ERROR: Final = "model_error"
BAD_HEADER: Final = "key_auth_bad_header_forbidden"
WRONG_KEY: Final = "key_auth_access_denied"

# Runs when the headers of an answer are there: the body is never touched and flows as it comes. Only answers of a model
# carry its time. What no instance could answer is a 503 with a reason, and 424 where Azure's statuses are wanted.
STATUS_SCRIPT: Final = f"""
function envoy_on_response(handle)
  local headers = handle:headers()
  local status = headers:get(":status")
  if status == "200" or status == "101" then return end
  if headers:get("{HEADER_MODEL_TIME}") then
    headers:replace("{HEADER_STATUS}", status)
    headers:replace("{HEADER_REASON}", "{MODEL_ERROR}")
    headers:replace(":status", "424")
    if status == "304" then headers:remove("content-length") end -- it may name a length, and has no body
  elseif status == "429" then
    headers:replace("content-type", "text/plain") -- with an empty body it is dropped
  elseif status == "503" and headers:get("{HEADER_REASON}") == "{NOT_READY}" then
    headers:replace(":status", "424")
  end
end
"""


def local_replies() -> Json:
    """Return who is told what when no model answers; the flags are those of Envoy's access log."""
    return {
        "mappers": [
            _mapper(_flags("UO"), 429, {"text_format_source": {"inline_string": ""}}, {HEADER_REASON: TOO_MANY}),
            _mapper(_flags("UT", "SI"), 408, _error(408, "the model did not answer within request_timeout_ms")),
            _mapper(
                _flags("UH", "UF"),
                503,
                _error("%RESPONSE_CODE%", "no instance of the deployment is ready"),
                {HEADER_REASON: NOT_READY},
            ),
            _mapper(_flags("UC"), 502, _error(502, "the instance ended while it worked on the request")),
            _mapper(_wrong_audience(), 401, _text(), {"www-authenticate": "Bearer"}),
            _mapper(_status(401), 401, _text()),
        ],
        "body_format": _error("%RESPONSE_CODE%", "%LOCAL_REPLY_BODY%"),
    }


def _mapper(condition: Json, status: int, body: Json, headers: dict[str, str] | None = None) -> Json:
    mapper: Json = {"filter": condition, "status_code": status, "body_format_override": body}
    if headers:
        mapper["headers_to_add"] = [set_header(key, value) for key, value in headers.items()]
    return mapper


def _flags(*flags: str) -> Json:
    return {"response_flag_filter": {"flags": list(flags)}}


def _wrong_audience() -> Json:
    """A token for somebody else is 403, and 401 in Azure; so is an unknown upgrade, and that stays."""
    no_upgrade = {"name": "upgrade", "present_match": True, "invert_match": True}
    return {"and_filter": {"filters": [_status(403), {"header_filter": {"header": no_upgrade}}]}}


def _status(status: int) -> Json:
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": "sandbox.unset"}}
    return {"status_code_filter": {"comparison": comparison}}


def _text() -> Json:
    return {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}, "content_type": "text/plain"}


def _error(code: Any, message: str) -> Json:
    return {"json_format": {"error": {"code": code, "message": message, "request_id": "%REQ(X-REQUEST-ID)%"}}}
