# The pool forgets a message: the same bytes are pushed again, under the same nonce, and paid for once.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
chain full
await push reason=signed
run 5
pool drop
await push reason=not-in-pool
chain flows
until 50
posted 1
wasted 0
count sign 1
