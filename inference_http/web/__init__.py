"""HTTP: waitress on inherited sockets, Flask's routes, the fast route, CORS and the OpenAPI documents."""
