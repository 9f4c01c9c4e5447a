"""What the server tells: log lines, metrics in shared memory, Application Insights."""
