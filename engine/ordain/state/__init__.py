"""What was recorded: the state's rows and the artifact store. Everything here is behind ``api.store``."""
