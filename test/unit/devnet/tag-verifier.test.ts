/** The fake verifier keeps the promises of the port. */
import { actorId, hex32, sectorNumber } from '../../../src/domain/ids.ts';
import { verifierCompliance } from '../../compliance/verifier.ts';
import { TagVerifier, tagProof } from '../../fakes/tag-verifier.ts';
import { blsSigned, secpSigned } from '../../support/signatures.ts';

const statement = {
	proofType: 10,
	miner: actorId(1000),
	randomness: hex32(`${'5b'.repeat(31)}1b`),
	sectors: [3, 4].map((number) => ({ number: sectorNumber(number), commR: hex32(`0${number}`.repeat(32)) })),
};
const message = new TextEncoder().encode('the bytes of a message CID');

verifierCompliance('tag', async () => ({
	verifier: new TagVerifier(),
	statement,
	proof: tagProof(statement),
	signatures: [secpSigned(message), blsSigned(message)],
}));
