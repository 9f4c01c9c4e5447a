"""One echoing script for everything that needs no other: routes, methods, ids, undecorated input (S35-S61)."""

from tests.conformance.case import Situation, script
from tests.conformance.situations.ids import IDS
from tests.conformance.situations.routes import ROUTES
from tests.conformance.situations.undecorated import BODIES, QUERIES

SITUATIONS = (
    Situation(
        "echo",
        "S11 S121",
        {"score.py": script("echo")},
        (*ROUTES, *IDS, *QUERIES, *BODIES),
        logs=(
            r"I azmlinfsrv - Starting up app insights client",
            r"I azmlinfsrv\.user_script - Found user script at <root>/score\.py",
            r"I azmlinfsrv\.user_script - run\(\) is not decorated\. .* with the input in JSON string\.",
            r"I azmlinfsrv\.user_script - Invoking user's init function",
            r"I azmlinfsrv\.user_script - Users's init has completed successfully",
            r"I azmlinfsrv\.swagger - Swaggers are prepared for the following versions: \[2, 3, 3\.1\]\.",
            r"I azmlinfsrv - Scoring timeout is set to 3600000",
            r"I azmlinfsrv - Worker with pid <pid> ready for serving traffic",
            r"Entry Script Name: <root>/score\.py",
            r"Worker Timeout \(seconds\): None",
            r"Server Port: <port>",
            r"Liveness Probe: GET   127\.0\.0\.1:<port>/",
            r"Score:          POST  127\.0\.0\.1:<port>/score",
        ),
    ),
)
