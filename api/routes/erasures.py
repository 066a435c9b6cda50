"""What became of an erasure, for whoever has its receipt: the account that asked is gone."""

from api.route import REQUESTS, Routes
from domain import erasure
from domain.erasure import OneReceipt, Receipt
from domain.ports import Ports

routes = Routes()


@routes.public("GET", "/v1/erasures/{receipt_id}", limit=REQUESTS)
async def get_receipt(query: OneReceipt, ports: Ports) -> Receipt:
    """How far an erasure is, and what was erased; it does not say whose it was."""
    return await erasure.get_receipt(query, ports)
