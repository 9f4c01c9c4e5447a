"""What run() is given."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line, rest

EMPTY = r'\{"type": "str", "data": ""\}'
INTERNAL = r'\{"message": "An unexpected internal error.*'
SCRIPT = r'\{"message": "An unexpected error occurred in scoring script.*'
REFUSED = r'\{"message": "The value of the \'[\w.]+\' parameter is not valid: .*"\}'
CONVERTED = ("schema/*", "schema-types/*", "schema-pandas/*", "schema-nested/*")

CHAPTER = (
    Difference(
        "S60",
        "Form bodies reach an undecorated run()",
        "A body sent as application/x-www-form-urlencoded (curl -d without more) or multipart arrives as an empty "
        "text.",
        "It arrives as it was sent.",
        "The most common request made by hand lost its data without a word.",
        (
            Aspect("echo/form-*", "body", EMPTY, r'\{"type": "str", "data": ".+"\}'),
            Aspect("echo/form-*", "body", EMPTY, r'\{"message": "Input cannot be decoded as UTF-8: .*'),
            Aspect("echo/form-*", "status", "200 OK", "400 BAD REQUEST"),
            Aspect("echo/form-*", "header x-ms-run-fn-exec-ms", "<ms>", None),
        ),
    ),
    Difference(
        "S64",
        "@rawhttp speaks of the function it decorates",
        "Decorating any function, even a helper, gives run() the raw request.",
        "Only a decorated run() gets it.",
        "A decorator that acts on another function is a trap.",
        (
            Aspect("raw-helper/post", "body", '"LocalProxy"', '"str"'),
            Line("raw-helper/start", "ref", r"(I azmlinfsrv\.user_script - run\(\) is) .*", r"\1"),
            Line("raw-helper/start", "our", r"(I azmlinfsrv\.user_script - run\(\) is) .*", r"\1"),
        ),
    ),
    Difference(
        "S72",
        "A value that does not fit the schema is the client's mistake",
        "500 as if the script had failed, without a word which value was wrong.",
        "400 that names the parameter, what was expected and what came.",
        "The caller can mend it; monitoring does not blame the model.",
        tuple(
            entry
            for glob in CONVERTED
            for entry in (
                Aspect(glob, "status", "500 INTERNAL SERVER ERROR", "400 BAD REQUEST"),
                Aspect(glob, "body", SCRIPT, REFUSED),
                Aspect(glob, "header x-ms-run-function-failed", "True", "False"),
            )
        ),
    ),
    Difference(
        "S75",
        "A JSON body that cannot be decoded is the client's mistake too",
        "Bytes that are no text, or nesting too deep for the parser: 500 unexpected internal error.",
        "400 with the reason.",
        "As for all other JSON that cannot be read.",
        (Aspect("schema*/*", "body", INTERNAL, r'\{"message": "POST body could not be decoded as JSON: .*'),),
    ),
    Difference(
        "S50",
        "A chunked body has a length",
        "@rawhttp sees Transfer-Encoding: chunked and no content_length.",
        "The body has been read and checked before run() is called: content_length is set, the coding is gone.",
        "A slow client does not occupy the script, and a broken body never reaches it.",
        (Aspect("raw/post-chunked", "body", ANY, ANY, rest.raw_request),),
    ),
)
