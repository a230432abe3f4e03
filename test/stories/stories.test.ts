import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Story } from './story.ts';

for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('.story'))) {
	const text = readFileSync(new URL(name, import.meta.url), 'utf8');
	const title = /^# (.+)/.exec(text)?.[1] ?? name;
	test(`${name}: ${title}`, () => new Story().tell(text));
}
