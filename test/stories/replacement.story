# The base fee rises above what a message pays: it is signed anew at its nonce for 1.25 x the premium.
mesh alpha=chain+submitter store=storage/all p1=prover
due 2
chain full
await push reason=signed
await push reason=signed
fee 900
chain flows
chain full
await replace reason=fee-too-low
await replace reason=fee-too-low
chain flows
until 60
posted 2
wasted 0
