package com.hutong.example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.hutong.audit.v1.AuditServiceGrpc;
import com.hutong.audit.v1.GetChainHeadRequest;
import com.hutong.balances.v1.BalancesServiceGrpc;
import com.hutong.balances.v1.BalancesServiceGrpc.BalancesServiceBlockingStub;
import com.hutong.balances.v1.GetBalanceRequest;
import com.hutong.balances.v1.ListBalancesRequest;
import com.hutong.balances.v1.ListBalancesResponse;
import com.hutong.common.v1.Balance;
import com.hutong.common.v1.ReadAt;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Reads a ledger as a partner's system would: in pages, at a past moment, with deadlines, telling errors by their reason. */
public final class Client {
    private static final long DEADLINE_SECONDS = 10;
    private static final int PAGE_SIZE = 5;

    private final ManagedChannel channel;

    private Client(ManagedChannel channel) {
        this.channel = channel;
    }

    public static void main(String[] arguments) {
        ManagedChannel channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
        try {
            new Client(channel).run(arguments[1], Long.parseLong(arguments[2]));
        } finally {
            channel.shutdownNow();
        }
    }

    private void run(String account, long sequence) {
        List<Balance> listed = new ArrayList<>();
        long at = listAll(listed);
        BigInteger net = netAt(account, sequence);
        StatusRuntimeException unknown = refused(() -> balances().getBalance(
                GetBalanceRequest.newBuilder().setAccount("hold.nobody").setCurrencyCode("CNY").build()));
        StatusRuntimeException late = refused(() -> AuditServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(500, TimeUnit.MILLISECONDS)
                .getChainHead(GetChainHeadRequest.newBuilder().setMinSequence(at + 1_000_000).build()));
        System.out.printf("sequence=%d balances=%d net=%s reason=%s late=%s%n",
                at, listed.size(), net, reason(unknown), late.getStatus().getCode());
    }

    /** A deadline is a moment, so every call gets a new one. */
    private BalancesServiceBlockingStub balances() {
        return BalancesServiceGrpc.newBlockingStub(channel).withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Every page shows the state at the sequence number of the first, whatever is written meanwhile. */
    private long listAll(List<Balance> listed) {
        ListBalancesRequest.Builder request = ListBalancesRequest.newBuilder().setPageSize(PAGE_SIZE);
        ListBalancesResponse page;
        long sequence = -1;
        do {
            page = balances().listBalances(request.build());
            if (sequence != -1 && sequence != page.getSequence()) {
                throw new IllegalStateException("a page of another moment");
            }
            sequence = page.getSequence();
            listed.addAll(page.getBalancesList());
            request.setPageToken(page.getNextPageToken());
        } while (!page.getNextPageToken().isEmpty());
        return sequence;
    }

    /** Amounts are decimal texts of minor units, because they may pass 64 bits. */
    private BigInteger netAt(String account, long sequence) {
        GetBalanceRequest request = GetBalanceRequest.newBuilder()
                .setAccount(account)
                .setCurrencyCode("CNY")
                .setReadAt(ReadAt.newBuilder().setSequence(sequence))
                .build();
        return new BigInteger(balances().getBalance(request).getBalance().getNetMinorUnits());
    }

    /** The stable code of a refusal: ErrorInfo.reason among the details of the status. */
    private static String reason(StatusRuntimeException error) {
        for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                try {
                    return detail.unpack(ErrorInfo.class).getReason();
                } catch (InvalidProtocolBufferException unreadable) {
                    throw new IllegalStateException(unreadable);
                }
            }
        }
        return null;
    }

    private static StatusRuntimeException refused(Runnable call) {
        try {
            call.run();
        } catch (StatusRuntimeException error) {
            return error;
        }
        throw new IllegalStateException("the service should have refused");
    }
}
