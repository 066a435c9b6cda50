"""Erasures for those without a session: asking for one, and seeing by its receipt what became of it."""

from api.route import LOGINS, REQUESTS, Routes
from domain import erasure, proof
from domain.erasure import OneReceipt, Receipt
from domain.ports import Ports
from domain.proof import Proof

routes = Routes()


@routes.public("POST", "/v1/erasures", limit=LOGINS, guesses=proof.counted_proof)
async def erase_without_session(command: Proof, ports: Ports) -> Receipt:
    """Erases an account for whoever proves that it is theirs, also when it is banned."""
    return await erasure.erase_without_session(command, ports)


@routes.public("GET", "/v1/erasures/{receipt_id}", limit=REQUESTS)
async def get_receipt(query: OneReceipt, ports: Ports) -> Receipt:
    """How far an erasure is, and what was erased; it does not say whose it was."""
    return await erasure.get_receipt(query, ports)
