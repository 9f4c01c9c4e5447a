"""All chapters of the allow-list in the order of docs/differences.md."""

from tests.conformance.allowed import (
    Difference,
    documents,
    elsewhere,
    inputs,
    logs,
    processes,
    results,
    routes,
    scripts,
    starts,
    wire,
)

CHAPTERS: dict[str, tuple[Difference, ...]] = {
    "Connections and the web server": wire.CHAPTER,
    "Routes, methods, ids": routes.CHAPTER,
    "What run() is given": inputs.CHAPTER,
    "What run() returns": results.CHAPTER,
    "Swagger and CORS": documents.CHAPTER,
    "Where a script finds itself": scripts.CHAPTER,
    "Time, processes, signals": processes.CHAPTER,
    "Command line and start": starts.CHAPTER,
    "Logs": logs.CHAPTER,
    "Start, crashes, debugging, Application Insights": elsewhere.CHAPTER,
}
ENTRIES = tuple(entry for chapter in CHAPTERS.values() for difference in chapter for entry in difference.entries)
