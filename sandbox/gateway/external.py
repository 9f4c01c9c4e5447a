"""The check of keys that are in no configuration: a gateway in somebody else's hands reads them where it runs. Pure.

Answers are those of the routes that know their keys (``routes``). Without any key nobody is let in.
"""

from typing import Final

from sandbox.gateway.answers import BAD_HEADER, WRONG_KEY
from sandbox.gateway.description import ExternalKeys
from sandbox.gateway.words import HEADER_DEPLOYMENT, HEADER_MODEL_TIME, Json, typed

FILTER_KEYS: Final = "keys"
AGAIN_S: Final = 5  # how old the content of a file may be

_SCRIPT: Final = f"""
local files = {{FILES}}
local variables = {{VARIABLES}}
local keys, some, read_at = {{}}, false, nil

local function add(text)
  local key = string.gsub(text or "", "%s", "")
  if #key >= 16 then keys[key] = true; some = true end
end

local function read()
  local now = os.time()
  if read_at and (#files == 0 or now - read_at < {AGAIN_S}) then return end
  keys, some, read_at = {{}}, false, now
  for _, path in ipairs(files) do
    local file = io.open(path, "r")
    if file then add(file:read("*a")); file:close() end
  end
  for _, name in ipairs(variables) do add(os.getenv(name)) end
end

local function refuse(handle, text)
  handle:respond({{[":status"] = "401", ["www-authenticate"] = "Bearer"}}, text)
end

function envoy_on_request(handle)
  read()
  if not some then
    handle:logErr("no key of at least 16 characters: nobody is let in")
    handle:respond({{[":status"] = "503"}}, "the gateway was given no keys")
    return
  end
  local said = handle:headers():get("authorization") or ""
  local key = string.match(said, "^[Bb][Ee][Aa][Rr][Ee][Rr] +([!-~]+)$")
  if not key then
    refuse(handle, "{BAD_HEADER}")
  elseif not keys[key] then
    refuse(handle, "{WRONG_KEY}")
  end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  if headers:get(":status") == "401" and not headers:get("{HEADER_MODEL_TIME}") then
    headers:remove("{HEADER_DEPLOYMENT}") -- nobody was asked
  end
end
"""


def door(auth: ExternalKeys) -> Json:
    """Return the filter that lets in who has one of the keys."""
    files, variables = (", ".join(f'"{each}"' for each in named) for named in (auth.files, auth.variables))
    script = _SCRIPT.replace("FILES", files, 1).replace("VARIABLES", variables, 1).lstrip("\n")
    return {
        "name": FILTER_KEYS,
        "typed_config": typed(
            "envoy.extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": script}
        ),
    }
