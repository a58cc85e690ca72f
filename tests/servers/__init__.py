"""Real and scripted servers for the tests: private, on loopback, on free ports, in temporary directories."""
