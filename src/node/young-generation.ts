/**
 * Keeps the heap's young generation at its first size (1 MiB) for the whole process; imported first, for its effect.
 *
 * Bulk bytes live outside of the heap and go when their small handle is collected. A young generation that has grown is
 * collected so seldom that those bytes pile up until V8 starts a full collection, every 50 ms while a partition streams.
 * Kept small, the handles die young: gathering takes half the CPU on both sides (`npm run bench:streams`).
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
