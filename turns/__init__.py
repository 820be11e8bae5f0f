"""The core: turns, their log, their readers and the workers that run them. Knows asyncio, no HTTP."""
