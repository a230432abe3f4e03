# More is due than the slots can prove before the close: an alarm, and as much as fits is proven all the same.
mesh alpha=chain+submitter store=storage/all p1=prover
due 6
proof 60
await alarm by=alpha reason=infeasible
await claim by=p1
await result-stored by=alpha
