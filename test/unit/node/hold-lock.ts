/** Takes the lock given as the argument, says how that went, and holds it until it is killed or its stdin ends. */
import { lockHome } from '../../../src/node/lock.ts';

try {
	await lockHome(process.argv[2] as string);
	console.log('locked');
	process.stdin.resume();
} catch (error) {
	console.log(error instanceof Error && 'code' in error ? error.code : error);
}
