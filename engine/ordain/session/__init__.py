"""The one place where parts are put together: clock, ids, files, stores, executor, plugins."""
