/** Structured log in the manner of pino: an object of facts and a constant message. */
export interface Log {
	debug(facts: object, message: string): void;
	info(facts: object, message: string): void;
	warn(facts: object, message: string): void;
	error(facts: object, message: string): void;
	child(facts: object): Log;
}
