"""Contract suites that a plugin's author subclasses: what every kind, provider, executor and store must hold."""
