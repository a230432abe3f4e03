# A submitter that restarts takes its stored message for no older than its first look: it neither replaces nor alarms.
mesh alpha=chain+submitter beta=chain+submitter store=storage/all p1=prover
chain full
await push reason=signed
await adopt
run 2
crash alpha
crash beta
fee 900
start alpha
start beta
until 33
never replace
never alarm reason=submission-stuck
await replace
chain flows
until 60
posted 1
wasted 0
