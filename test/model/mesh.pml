/* The mesh's promise as a Promela model: claims, results and submission of P partitions of one sender by N nodes, each
   with a full node (message pool) of its own. Nodes crash and come back, leases expire falsely, provers compute wrong
   proofs, pools drop messages, messages land and fail, the last tipset is reverted.

   Every transition changes the state and every adversary step has a budget, so the graph is finite and acyclic up to
   budgets: "at every end state all partitions are posted, if a node is up" is liveness as freedom from deadlock.
   Messages are bits of a byte in the order in which they were signed. Time is left out: what the protocol does "2 epochs
   later", by when gossip or a pool brought the message, is the guard `CAUGHT_UP`, which only a budgeted SPLIT may break.
   Left out too: replacement by fee, the rush before the close, skips (see docs/coordination.md).

   Run by `npm run model` (test/model/run.ts), which names the configurations. */

#ifndef N
#define N 3              /* nodes: 2 or 3 */
#endif
#ifndef P
#define P 1              /* partitions of the sender: 1 or 2 */
#endif
#ifndef PROOFS
#define PROOFS 1         /* 0: every disk holds the verified results at the start, only submission is modelled */
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef FALSETO
#define FALSETO 0        /* leases that expire although the holder lives */
#endif
#ifndef BAD
#define BAD 0            /* wrong proofs */
#endif
#ifndef DROPS
#define DROPS 0          /* messages that a pool forgets */
#endif
#ifndef FAILS
#define FAILS 0          /* messages included with a bad exit code */
#endif
#ifndef REORGS
#define REORGS 0         /* last inclusion undone, the message back in every pool or in none */
#endif
#ifndef SPLITS
#define SPLITS 0         /* signatures made while both the mesh and the chain view are split */
#endif
/* Seeded errors, each of which must give a counterexample. */
#ifndef FENCE
#define FENCE 1          /* 0: a fallback signs a new message at the next nonce although it holds a live one */
#endif
#ifndef VERIFY
#define VERIFY 1         /* 0: results are stored and signed for unverified */
#endif
#ifndef ACK
#define ACK 1            /* 0: the next nonce is used before anybody else holds the previous message */
#endif
#ifndef REPUSH
#define REPUSH 1         /* 0: a message that a pool lost is not pushed again */
#endif
#ifndef REDO
#define REDO 1           /* 0: a message that landed and failed counts as done */
#endif
#ifndef EXPIRE
#define EXPIRE 1         /* 0: the lease of a dead node holds for ever */
#endif
#ifndef HOLD
#define HOLD 1           /* 0: a message that nobody had heard of is pushed after a restart beside what was signed since */
#endif
#ifndef REVIVE
#define REVIVE 1         /* 0: a reorg brings a displaced message back beside the one that was signed in its stead */
#endif
#ifndef KEEP
#define KEEP 1           /* 0: a message is forgotten when it is seen on the chain, not 5 epochs deep */
#endif

#define M 8              /* messages ever signed, nonces ever used; the model asserts that they suffice */
#define ALL ((1 << P) - 1)
#define BIT(x) (1 << (x))

/* Claims and results. rec: 0 nothing, 1 lease, 2 result, as the node's own record says; view: as others heard it. */
byte rec[N * P]; byte view[N * N * P];
#define R(i, p) rec[(i) * P + (p)]
#define V(i, j, p) view[((i) * N + (j)) * P + (p)]
byte disk[N];            /* partitions whose result lies on the disk */
byte badp[N];            /* those of them whose proof is wrong */
bool up[N];

/* Submission. */
byte known[N];           /* messages on the disk of a node */
byte pool[N];            /* messages in the pool of its full node */
byte last[N];            /* 1 + the message it signed last in this life, 0 none */
byte made;               /* messages signed so far: 0 .. made - 1 exist */
byte ofp[P];             /* messages of a partition */
byte ofn[M];             /* messages with a nonce */
byte nonce[M];           /* of a message */
byte live;               /* messages that may still land, or have landed well */
byte wrong;              /* messages that carry a wrong proof */
/* The chain. */
byte cn;                 /* nonce of the sender in the state */
byte past;               /* messages whose nonce the chain has used */
byte at[M];              /* 1 + the message that landed with a nonce */
byte did[P];             /* 1 + the message that posted a partition, 0: not posted */
byte crashes, restarts, falseto, bads, drops, fails, reorgs, splits, doubles;

hidden byte k, n, m;     /* scratch of atomic steps, no part of the state */

#define POSTED(p) (did[p] != 0)
#if P == 1
#define ALLPOSTED POSTED(0)
#else
#define ALLPOSTED (POSTED(0) && POSTED(1))
#endif
#if N == 2
#define VISIBLE (((up[0] -> known[0] : 0) | (up[1] -> known[1] : 0)) | pool[0] | pool[1])
#define SOMEUP (up[0] || up[1])
#define PEERKNOWS(i, b) ((up[1 - (i)] && (known[1 - (i)] & (b))) || ((pool[0] | pool[1]) & (b)))
#else
#define VISIBLE (((up[0] -> known[0] : 0) | (up[1] -> known[1] : 0) | (up[2] -> known[2] : 0)) | pool[0] | pool[1] | pool[2])
#define SOMEUP (up[0] || up[1] || up[2])
#define PEERKNOWS(i, b) ((up[((i) + 1) % 3] && (known[((i) + 1) % 3] & (b))) || (up[((i) + 2) % 3] && (known[((i) + 2) % 3] & (b))) || ((pool[0] | pool[1] | pool[2]) & (b)))
#endif
/* A node adopts what its pool shows, so what it holds is on its disk. */
#define HELD(i) (known[i] & live)
#define CAUGHT_UP(i) ((VISIBLE & live & ~known[i]) == 0)
/* The message signed last is held by another, or stands on the chain. */
#define ACKED(i) (last[i] == 0 || !(live & BIT(last[i] - 1)) || PEERKNOWS(i, BIT(last[i] - 1)) || (past & BIT(last[i] - 1)))
#define MAYSIGN(i) ((!ACK || ACKED(i)) && CAUGHT_UP(i))
#define ANSWERED(i, p) (POSTED(p) || (FENCE && (HELD(i) & ofp[p])) || (!REDO && (known[i] & ofp[p])))

inline hear(i, j, p) {
  V(i, j, p) = R(j, p);
  if
  :: R(j, p) == 2 && (!VERIFY || !(badp[j] & BIT(p))) && !(disk[i] & BIT(p)) ->
       disk[i] = disk[i] | BIT(p); badp[i] = badp[i] | (badp[j] & BIT(p))
  :: else
  fi
}

/* Signs partition p at the lowest nonce that no live message known to the node holds, and stores it. */
inline sign(i, p) {
  d_step {
    n = cn;
    do :: n < M && (HELD(i) & ofn[n]) -> n++ :: else -> break od;
    assert(n < M && made < M);
    ofp[p] = ofp[p] | BIT(made); ofn[n] = ofn[n] | BIT(made); nonce[made] = n; live = live | BIT(made);
    if :: badp[i] & BIT(p) -> wrong = wrong | BIT(made) :: else fi;
    known[i] = known[i] | BIT(made);
    printf("node %d signs message %d: partition %d, nonce %d\n", i, made, p, n);
    made++; last[i] = made; n = 0
  }
}

/* Message m0 reaches a pool, and the node of that pool. */
inline pooled(i, m0) {
  pool[i] = pool[i] | BIT(m0);
  if :: up[i] -> known[i] = known[i] | BIT(m0) :: else fi
}

/* Live messages whose nonce the chain has not used. */
#define PENDINGS (live & ~past)
/* A pool keeps the first message of a nonce. */
#define RIVAL(i, m0) (ofn[nonce[m0]] & pool[i])

/* The lowest nonce is free while later ones wait and every partition has a message: the next one is signed again there. */
#define GAP(i) (cn < M && !(HELD(i) & ofn[cn]) && (HELD(i) & PENDINGS) != 0)

#define CLAIM(i, p, j1, j2) atomic { up[i] && R(i, p) == 0 && !(disk[i] & BIT(p)) && !POSTED(p) && V(i, j1, p) == 0 && V(i, j2, p) == 0 -> R(i, p) = 1; printf("node %d claims partition %d\n", i, p) }
#define FINISH(i, p) atomic { up[i] && R(i, p) == 1 -> \
    if :: R(i, p) = 2; disk[i] = disk[i] | BIT(p); badp[i] = badp[i] & ~BIT(p) \
       :: bads < BAD -> bads++; \
          if :: VERIFY -> R(i, p) = 0 :: !VERIFY -> R(i, p) = 2; disk[i] = disk[i] | BIT(p); badp[i] = badp[i] | BIT(p) fi \
    fi }
#define HEAR(i, j, p) atomic { up[i] && up[j] && !POSTED(p) && (V(i, j, p) != R(j, p) || (R(j, p) == 2 && !(disk[i] & BIT(p)) && !(VERIFY && (badp[j] & BIT(p))))) -> hear(i, j, p) }
#define TRUEEXPIRY(i, j, p) atomic { EXPIRE && up[i] && V(i, j, p) == 1 && !up[j] && !POSTED(p) -> V(i, j, p) = 0 }
#define FALSEEXPIRY(i, j, p) atomic { up[i] && V(i, j, p) == 1 && up[j] && falseto < FALSETO && !POSTED(p) -> falseto++; V(i, j, p) = 0 }
#define SIGN(i, p) atomic { up[i] && (disk[i] & BIT(p)) && !ANSWERED(i, p) && (MAYSIGN(i) || splits < SPLITS) -> \
    if :: MAYSIGN(i) :: else -> splits++; printf("node %d is cut off\n", i) fi; sign(i, p) }
#define FILLGAP(i, p) atomic { up[i] && FENCE && GAP(i) && ANSWERED(i, 0) && ANSWERED(i, P - 1) && (HELD(i) & PENDINGS & ofp[p]) && CAUGHT_UP(i) -> sign(i, p) }
#define TELL(i, j, m0) atomic { up[i] && up[j] && (known[j] & BIT(m0)) && !(known[i] & BIT(m0)) && (live & BIT(m0)) -> known[i] = known[i] | BIT(m0); printf("node %d hears message %d of %d\n", i, m0, j) }
#define PUSH(i, m0) atomic { up[i] && (known[i] & BIT(m0)) && (PENDINGS & BIT(m0)) && !(pool[i] & BIT(m0)) && !RIVAL(i, m0) && (REPUSH || last[i] == m0 + 1) && !(KEEP == 0 && doneonce & BIT(m0)) -> pooled(i, m0); printf("node %d pushes message %d\n", i, m0); if :: !REPUSH -> last[i] = 0 :: else fi }
#define EACH(A, i, j) A(i, j, 0) :: A(i, j, 1) :: A(i, j, 2) :: A(i, j, 3) :: A(i, j, 4) :: A(i, j, 5) :: A(i, j, 6) :: A(i, j, 7)
#define EACHPUSH(i) PUSH(i, 0) :: PUSH(i, 1) :: PUSH(i, 2) :: PUSH(i, 3) :: PUSH(i, 4) :: PUSH(i, 5) :: PUSH(i, 6) :: PUSH(i, 7)

byte doneonce;           /* messages that were on the chain once (only for KEEP == 0) */

proctype node(byte i) {
#if N == 2
#define J1(i) (1 - (i))
#define J2(i) (1 - (i))
#else
#define J1(i) (((i) + 1) % 3)
#define J2(i) (((i) + 2) % 3)
#endif
end: do
#if PROOFS
  :: CLAIM(i, 0, J1(i), J2(i)) :: FINISH(i, 0) :: HEAR(i, J1(i), 0) :: TRUEEXPIRY(i, J1(i), 0) :: FALSEEXPIRY(i, J1(i), 0)
#if N == 3
  :: HEAR(i, J2(i), 0) :: TRUEEXPIRY(i, J2(i), 0) :: FALSEEXPIRY(i, J2(i), 0)
#endif
#if P == 2
  :: CLAIM(i, 1, J1(i), J2(i)) :: FINISH(i, 1) :: HEAR(i, J1(i), 1) :: TRUEEXPIRY(i, J1(i), 1) :: FALSEEXPIRY(i, J1(i), 1)
#if N == 3
  :: HEAR(i, J2(i), 1) :: TRUEEXPIRY(i, J2(i), 1) :: FALSEEXPIRY(i, J2(i), 1)
#endif
#endif
#endif
  :: SIGN(i, 0) :: FILLGAP(i, 0)
#if P == 2
  :: SIGN(i, 1) :: FILLGAP(i, 1)
#endif
  :: EACH(TELL, i, J1(i))
#if N == 3
  :: EACH(TELL, i, J2(i))
#endif
  :: EACHPUSH(i)
  od
}

/* A block takes the message of the next nonce out of any pool. */
inline include(m0) {
  d_step {
    for (k : 0 .. N - 1) { pool[k] = pool[k] & ~ofn[cn] }
    live = live & ~(ofn[cn] & ~BIT(m0));
    past = past | ofn[cn]; at[cn] = m0 + 1; cn++;
    printf("the chain includes message %d\n", m0);
    k = (ofp[0] & BIT(m0) -> 0 : P - 1);
    if :: KEEP == 0 -> doneonce = doneonce | BIT(m0) :: else fi
  }
  if
  :: did[k] != 0 -> doubles++; live = live & ~BIT(m0); printf("refused: already proven\n") /* already proven: refused and paid */
  :: did[k] == 0 ->
     if
     :: did[k] = m0 + 1; assert(!(wrong & BIT(m0)))
     :: fails < FAILS -> fails++; live = live & ~BIT(m0); printf("it fails\n")
     fi
  fi;
  k = 0;
  assert(doubles <= splits + (fails > 0 -> reorgs : 0))
}
#define POOLS (pool[0] | pool[1] | pool[N - 1])
#define INCLUDE(m0) atomic { cn < M && (POOLS & ofn[cn] & BIT(m0)) -> include(m0) }
#define SPREAD(a, b, m0) atomic { (pool[b] & BIT(m0)) && !(pool[a] & BIT(m0)) && !RIVAL(a, m0) -> pooled(a, m0); printf("pool %d gets message %d of pool %d\n", a, m0, b) }
#define DROP(a, m0) atomic { (pool[a] & BIT(m0)) && drops < DROPS -> drops++; pool[a] = pool[a] & ~BIT(m0); printf("pool %d drops message %d\n", a, m0) }
#define EACHDROP(a) DROP(a, 0) :: DROP(a, 1) :: DROP(a, 2) :: DROP(a, 3) :: DROP(a, 4) :: DROP(a, 5) :: DROP(a, 6) :: DROP(a, 7)
proctype chain() {
end: do
  :: INCLUDE(0) :: INCLUDE(1) :: INCLUDE(2) :: INCLUDE(3) :: INCLUDE(4) :: INCLUDE(5) :: INCLUDE(6) :: INCLUDE(7)
  :: EACH(SPREAD, 0, 1) :: EACH(SPREAD, 1, 0)
#if N == 3
  :: EACH(SPREAD, 0, 2) :: EACH(SPREAD, 1, 2) :: EACH(SPREAD, 2, 0) :: EACH(SPREAD, 2, 1)
  :: EACHDROP(2)
#endif
  :: EACHDROP(0) :: EACHDROP(1)
  :: atomic { reorgs < REORGS && cn > 0 -> reorgs++; cn--; printf("the chain takes message %d back\n", at[cn] - 1); /* the last inclusion is undone */
       d_step {
         m = at[cn] - 1; at[cn] = 0; past = past & ~ofn[cn];
         k = (ofp[0] & BIT(m) -> 0 : P - 1);
         /* What it refused as already proven was not paid for on this chain. */
         if :: did[k] == m + 1 -> did[k] = 0 :: did[k] != 0 && did[k] != m + 1 -> doubles-- :: else fi;
         /* Those that it had displaced come back, unless their partition has been answered anew. */
         n = 0;
         do :: n < made ->
           if :: (ofn[cn] & BIT(n)) && n != m && (!REVIVE || !(live & ofp[(ofp[0] & BIT(n) -> 0 : P - 1)])) -> live = live | BIT(n) :: else fi;
           n++
         :: else -> break od;
         n = 0
       };
       if
       :: d_step { for (k : 0 .. N - 1) { if :: !(pool[k] & ofn[cn]) -> pool[k] = pool[k] | BIT(m); if :: up[k] -> known[k] = known[k] | BIT(m) :: else fi :: else fi } }
       :: skip
       fi;
       k = 0; m = 0 }
  od
}

#if P == 2
#define SILENT(j) R(j, 0) = 0; R(j, 1) = 0; V(j, J1(j), 0) = 0; V(j, J2(j), 0) = 0; V(j, J1(j), 1) = 0; V(j, J2(j), 1) = 0
#define LOADED(j) if :: disk[j] & 1 -> R(j, 0) = 2 :: else fi; if :: disk[j] & 2 -> R(j, 1) = 2 :: else fi
#else
#define SILENT(j) R(j, 0) = 0; V(j, J1(j), 0) = 0; V(j, J2(j), 0) = 0
#define LOADED(j) if :: disk[j] & 1 -> R(j, 0) = 2 :: else fi
#endif
#define CRASH(j) atomic { up[j] && crashes < CRASHES && !ALLPOSTED -> up[j] = false; crashes++; last[j] = 0; SILENT(j); printf("node %d crashes\n", j) }
/* What was signed and never told (held.ts) is dropped where its partition is posted, or another message of it or of the nonce lives. */
#define BACK(j) atomic { !up[j] && restarts < RESTARTS -> restarts++; \
    if :: HOLD -> d_step { n = known[j] & PENDINGS & ~VISIBLE; m = 0; \
      do :: m < made -> \
        if :: (n & BIT(m)) && (did[(ofp[0] & BIT(m) -> 0 : P - 1)] != 0 || (live & VISIBLE & (ofp[(ofp[0] & BIT(m) -> 0 : P - 1)] | ofn[nonce[m]]))) -> live = live & ~BIT(m); known[j] = known[j] & ~BIT(m) :: else fi; \
        m++ \
      :: else -> break od; m = 0; n = 0 } :: else fi; \
    up[j] = true; known[j] = known[j] | pool[j]; LOADED(j); printf("node %d starts\n", j) }
proctype faults() {
  do
  :: CRASH(0) :: CRASH(1) :: BACK(0) :: BACK(1)
#if N == 3
  :: CRASH(2) :: BACK(2)
#endif
  :: break
  od
}

init {
  atomic {
    up[0] = true; up[1] = true; up[N - 1] = true;
#if !PROOFS
    disk[0] = ALL; disk[1] = ALL; disk[N - 1] = ALL;
#endif
    run node(0); run node(1);
#if N == 3
    run node(2);
#endif
    run chain(); run faults()
  };
  timeout -> assert(ALLPOSTED || !SOMEUP)
}
