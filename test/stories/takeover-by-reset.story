# The holder's process dies: its connections are reset, one probe finds nobody, the next in rank takes over.
mesh alpha=chain+submitter store=storage/all p1=prover p2=prover
await prove as=holder
crash $holder
await suspect
await presume-dead reason=reset-and-silent not=$holder
await takeover reason=holder-dead not=$holder peer=$holder within=3
until 40
posted 1
wasted 0
