"""What Oxide exists for: tasks, routes, attempts. Pure of files' formats, servers and toolkits."""
