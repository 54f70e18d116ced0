"""Reads a ledger as a partner's system would: in pages, at a past moment, with deadlines, telling errors by their reason."""

import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from hutong.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from hutong.balances.v1 import balances_service_pb2 as balances_pb2
from hutong.balances.v1 import balances_service_pb2_grpc
from hutong.common.v1 import read_pb2

DEADLINE_SECONDS = 10
PAGE_SIZE = 5


def all_balances(balances):
    """Every page shows the state at the sequence number of the first, whatever is written meanwhile."""
    request = balances_pb2.ListBalancesRequest(page_size=PAGE_SIZE)
    listed, sequences = [], set()
    while True:
        page = balances.ListBalances(request, timeout=DEADLINE_SECONDS)
        listed.extend(page.balances)
        sequences.add(page.sequence)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    (sequence,) = sequences
    return listed, sequence


def net_at(balances, account, sequence):
    """Amounts are decimal texts of minor units, because they may pass 64 bits."""
    request = balances_pb2.GetBalanceRequest(
        account=account, currency_code="CNY", read_at=read_pb2.ReadAt(sequence=sequence)
    )
    return int(balances.GetBalance(request, timeout=DEADLINE_SECONDS).balance.net_minor_units)


def reason(error):
    """The stable code of a refusal: ErrorInfo.reason among the details of the status."""
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(error).details:
        if detail.Unpack(info) and info.domain == "hutong":
            return info.reason
    return None


def refused(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the service should have refused")


def main(address, account, sequence):
    with grpc.insecure_channel(address) as channel:
        balances = balances_service_pb2_grpc.BalancesServiceStub(channel)
        audit = audit_service_pb2_grpc.AuditServiceStub(channel)
        listed, at = all_balances(balances)
        unknown = balances_pb2.GetBalanceRequest(account="hold.nobody", currency_code="CNY")
        error = refused(lambda: balances.GetBalance(unknown, timeout=DEADLINE_SECONDS))
        ahead = audit_service_pb2.GetChainHeadRequest(min_sequence=at + 1_000_000)
        late = refused(lambda: audit.GetChainHead(ahead, timeout=0.5))
        net = net_at(balances, account, int(sequence))
        print(f"sequence={at} balances={len(listed)} net={net} reason={reason(error)} late={late.code().name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
