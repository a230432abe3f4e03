/**
 * Every figure that the program tells of itself, with unit and meaning. The port takes no other names, so that
 * docs/metrics.md (`npm run docs:metrics`), the dashboard and the alert rules cannot speak of what is not told.
 */
interface MetricDoc {
	readonly kind: 'counter' | 'gauge' | 'histogram';
	readonly unit: string;
	/** Meaning of each label. */
	readonly labels: Readonly<Record<string, string>>;
	/** What it counts, as `# HELP` tells it. */
	readonly help: string;
}

const code = "the error's code";
const reason = 'why';

export const METRICS = {
	// What is due, as this node sees it when it is asked.
	poster_partitions: {
		kind: 'gauge',
		unit: 'partitions',
		labels: { phase: 'furthest point that anybody reached, as in `claims` (docs/control.md)' },
		help: 'Due partitions whose deadline is not closed.',
	},
	poster_unproven_left_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: {},
		help: 'Time until the next close of a deadline that has a partition without a verified proof; +Inf when there is none.',
	},
	poster_alarms: {
		kind: 'gauge',
		unit: 'alarms',
		labels: { code: 'of the alarm, as in docs/runbook.md' },
		help: 'Alarms that stand.',
	},
	poster_slots: {
		kind: 'gauge',
		unit: 'slots',
		labels: { state: '`busy`, `idle` or `out`' },
		help: 'Proving slots; `out` of service are those whose worker does not start, or dies again and again.',
	},
	poster_epoch: { kind: 'gauge', unit: 'epochs', labels: {}, help: 'Epoch of the chain; -1 while it is not known.' },
	poster_epoch_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: {},
		help: 'Length of an epoch, as configured or learned.',
	},
	poster_chain_following: {
		kind: 'gauge',
		unit: '0 or 1',
		labels: {},
		help: '1 while the full node answers; not told by nodes without [chain].',
	},
	poster_synced: { kind: 'gauge', unit: '0 or 1', labels: {}, help: '1 once this node knows what the others do.' },
	poster_members: { kind: 'gauge', unit: 'members', labels: {}, help: 'Other members of the roster.' },
	poster_members_connected: { kind: 'gauge', unit: 'members', labels: {}, help: 'Those of them that are connected.' },
	poster_roster_version: {
		kind: 'gauge',
		unit: 'version',
		labels: {},
		help: 'Version of the roster that is followed.',
	},
	poster_store_stalled_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: {},
		help: 'For how long the store has refused to write; meanwhile nothing is claimed or sent.',
	},

	// Decisions and work.
	poster_decisions_total: {
		kind: 'counter',
		unit: 'decisions',
		labels: { decision: 'claim, takeover, hedge, release, prove, sign, push, included, done, …' },
		help: 'Decisions of the core.',
	},
	poster_alarms_total: {
		kind: 'counter',
		unit: 'alarms',
		labels: { code: 'of the alarm, as in docs/runbook.md' },
		help: 'Alarms that were raised.',
	},
	poster_step_seconds: {
		kind: 'histogram',
		unit: 'seconds',
		labels: { step: 'find, open, transfer, check, prove or verify' },
		help: 'Time of each step of a work item on this node.',
	},
	poster_proof_usual_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: { slot: 'its name', proof: '`window 32GiB`', percentile: '`50`, `95` or `99`' },
		help: 'What a proof takes in a slot, of the newest 64 there; kept over restarts.',
	},
	poster_gather_sectors_total: {
		kind: 'counter',
		unit: 'sectors',
		labels: { outcome: '`ok`, or why the check refused it' },
		help: 'Vanilla proofs that came from holders and were checked.',
	},
	poster_vanilla_served_total: {
		kind: 'counter',
		unit: 'sectors',
		labels: { outcome: '`cache` or `disk`, or why there was none (`missing`, `unreadable`, …)' },
		help: 'Sectors that this node was asked for.',
	},
	poster_vanilla_cache_bytes: {
		kind: 'gauge',
		unit: 'bytes',
		labels: {},
		help: 'Sectors opened ahead and not yet fetched.',
	},
	poster_spool_failed_total: {
		kind: 'counter',
		unit: 'files',
		labels: { code },
		help: 'Spool files that could not be removed.',
	},
	poster_winning_asked_total: {
		kind: 'counter',
		unit: 'proofs',
		labels: { outcome: "`good`, or the error's code" },
		help: 'Winning PoSt that was asked for through this node.',
	},
	poster_winning_served_total: {
		kind: 'counter',
		unit: 'questions',
		labels: { question: '`open`, `offer` or `prove`', outcome: "`good`, or the error's code" },
		help: 'Questions of members about winning PoSt.',
	},
	poster_winning_seconds: {
		kind: 'histogram',
		unit: 'seconds',
		labels: {},
		help: 'From the question for a winning PoSt to the verified proof.',
	},
	poster_measurements_failed_total: {
		kind: 'counter',
		unit: 'measurements',
		labels: { code },
		help: 'Proofs that could not be measured at start.',
	},

	// The full node.
	poster_chain_call_seconds: {
		kind: 'histogram',
		unit: 'seconds',
		labels: { method: 'of the JSON-RPC' },
		help: 'Calls that the full node answered, with their wait for a turn.',
	},
	poster_chain_call_failures_total: {
		kind: 'counter',
		unit: 'calls',
		labels: { method: 'of the JSON-RPC', reason: code },
		help: 'Calls that failed.',
	},
	poster_chain_failed_total: {
		kind: 'counter',
		unit: 'reads',
		labels: { code },
		help: 'Looks at a head that could not be finished.',
	},
	poster_chain_head_subscriptions_lost_total: {
		kind: 'counter',
		unit: 'subscriptions',
		labels: { reason: code },
		help: 'Subscriptions to heads that broke off; they are made anew.',
	},

	// The mesh.
	poster_mesh_peers: { kind: 'gauge', unit: 'peers', labels: {}, help: 'Peers with an open connection.' },
	poster_mesh_banned: { kind: 'gauge', unit: 'peers', labels: {}, help: 'Members that are banned now.' },
	poster_mesh_bans_total: {
		kind: 'counter',
		unit: 'bans',
		labels: { reason },
		help: 'Bans that were laid on members.',
	},
	poster_mesh_garbage_total: {
		kind: 'counter',
		unit: 'breaches',
		labels: { protocol: 'on which it came', reason },
		help: 'Breaches of the protocol by peers.',
	},
	poster_mesh_refused_total: {
		kind: 'counter',
		unit: 'connections',
		labels: { reason },
		help: 'Connections that were refused.',
	},
	poster_mesh_disconnects_total: {
		kind: 'counter',
		unit: 'connections',
		labels: { cause: '`closed`, or `reset` without a goodbye' },
		help: 'Members that were lost.',
	},
	poster_mesh_dial_failures_total: {
		kind: 'counter',
		unit: 'dials',
		labels: {},
		help: 'Members that could not be reached.',
	},
	poster_gossip_published_total: {
		kind: 'counter',
		unit: 'messages',
		labels: {},
		help: 'Own statements that were gossiped.',
	},
	poster_gossip_received_total: {
		kind: 'counter',
		unit: 'messages',
		labels: { verdict: '`accept`, `ignore`, `reject` or `flood`' },
		help: 'Gossip of others.',
	},
	poster_gossip_not_relayed_total: {
		kind: 'counter',
		unit: 'messages',
		labels: {},
		help: 'Good gossip that was not passed on, so that this node keeps to its own quota.',
	},
	poster_gossip_repairs_total: {
		kind: 'counter',
		unit: 'repairs',
		labels: {},
		help: 'Peers without a gossip stream that were looked at again.',
	},
	poster_statements_refused_total: {
		kind: 'counter',
		unit: 'statements',
		labels: {
			reason: '`signature`, `not-member`, `network`, `quota`, `quarantined`, or the code of what does not decode',
		},
		help: 'Statements of others that were not heeded.',
	},
	poster_stream_failures_total: {
		kind: 'counter',
		unit: 'exchanges',
		labels: { side: '`client` asked, `server` was asked', reason: code },
		help: 'Exchanges with peers that failed.',
	},
	poster_directory_provided_total: {
		kind: 'counter',
		unit: 'records',
		labels: {},
		help: 'Provider records that the DHT took.',
	},
	poster_directory_failures_total: {
		kind: 'counter',
		unit: 'operations',
		labels: { operation: '`provide`, `find` or `store`', reason },
		help: 'Operations of the DHT that failed.',
	},

	// The node itself.
	poster_loop_delay_p99_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: {},
		help: 'Delay of the event loop, 99th percentile of the last 10 s.',
	},
	poster_loop_delay_max_seconds: {
		kind: 'gauge',
		unit: 'seconds',
		labels: {},
		help: 'Longest delay of the event loop in the last 10 s.',
	},
	poster_loop_dropped_total: {
		kind: 'counter',
		unit: 'events',
		labels: { type: 'of the event' },
		help: 'Events from outside that found the queue full, or on which the core failed before.',
	},
	poster_store_failed_total: {
		kind: 'counter',
		unit: 'writes',
		labels: { code },
		help: 'Writes that the store refused; they are tried again.',
	},
	poster_recorder_bytes: { kind: 'gauge', unit: 'bytes', labels: {}, help: 'What the flight recorder takes on disk.' },
	poster_recorder_failed_total: {
		kind: 'counter',
		unit: 'pauses',
		labels: { code },
		help: 'Pauses of the flight recorder.',
	},
} as const satisfies Readonly<Record<string, MetricDoc>>;

export type MetricName = keyof typeof METRICS;
type NamesOf<Kind> = { [N in MetricName]: (typeof METRICS)[N]['kind'] extends Kind ? N : never }[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;

/** The labels of a metric: all of them, and no other. */
export type LabelsOf<N extends MetricName> = Readonly<Record<keyof (typeof METRICS)[N]['labels'], string>>;

/** Nothing to give where a metric has no labels. */
export type LabelArguments<N extends MetricName> = keyof (typeof METRICS)[N]['labels'] extends never
	? readonly []
	: readonly [labels: LabelsOf<N>];
