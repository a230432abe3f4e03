# The base fee rises just before the close: the message that missed it stays in the pool, the next one takes its nonce.
mesh alpha=chain+submitter store=storage/all p1=prover
due 1 2
chain full
await push reason=signed
until 84
fee 1200
chain flows
until 100
posted 1 1
until 120
posted 0 0
wasted 0
