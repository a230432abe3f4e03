/** Opens the store given as the argument, says so, and holds it until it is killed. */
import { openStore } from '../../../../src/adapters/level/store.ts';
import { nodeId } from '../../../../src/domain/ids.ts';

await openStore(process.argv[2] as string, nodeId('owner'));
console.log('open');
process.stdin.resume();
