"""The embedded default: PostgreSQL, a MongoDB wire server and Valkey, started and stopped by us.

async with embedded_stores(Path(".data")) as urls:
    ...  # urls.postgres_url, urls.mongodb_uri, urls.redis_url
"""

from db.embedded.errors import EmbeddedStoresError
from db.embedded.folder import StoreUrls
from db.embedded.launcher import EmbeddedStores, embedded_stores

__all__ = ["EmbeddedStores", "EmbeddedStoresError", "StoreUrls", "embedded_stores"]
