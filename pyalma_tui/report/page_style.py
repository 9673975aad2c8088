"""How the page of an experiment looks, dark or light as whoever reads it has it."""

STYLE = """
:root { color-scheme: light dark; --back: #fcfbf8; --fore: #22242a; --quiet: #6b6f78; --edge: #dcdad4; --card: #fff;
  --done: #2e7d4f; --failed: #b3372f; --interrupted: #a26a00; --running: #1f6fa8; --pending: #c9c7c1; --busy: #b9c3cc;
  --h0: #1f6fa8; --h1: #2e7d4f; --h2: #b07400; --h3: #b3372f; --h4: #7a4fa3; --h5: #3c8a8a; }
@media (prefers-color-scheme: dark) { :root { --back: #14171d; --fore: #dfe2e8; --quiet: #8d939f; --edge: #2c313b;
  --card: #1a1e26; --done: #8ccf9f; --failed: #ef8f8a; --interrupted: #e5bf74; --running: #8cc3e6; --pending: #3b414d;
  --busy: #4a5260; --h0: #8cc3e6; --h1: #8ccf9f; --h2: #e5bf74; --h3: #ef8f8a; --h4: #c3a1e8; --h5: #86d0cf; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--fore); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1.25rem 0; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0 .5rem; }
header p, .quiet, footer, figcaption, summary span { color: var(--quiet); }
.bar { display: flex; height: .6rem; border-radius: .3rem; overflow: hidden; gap: 1px; }
.bar span { flex-basis: 2px; }
.bar .done { background: var(--done); } .bar .failed { background: var(--failed); }
.bar .interrupted { background: var(--interrupted); } .bar .running { background: var(--running); }
.bar .pending { background: var(--pending); }
.word { white-space: nowrap; margin-right: .8rem; }
.word.done { color: var(--done); } .word.failed, b.failed { color: var(--failed); }
.word.interrupted { color: var(--interrupted); } .word.running { color: var(--running); }
.word.pending { color: var(--quiet); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem;
  margin-top: 1.25rem; }
figure { margin: 0; padding: .8rem 1rem; background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; }
figcaption { margin-bottom: .4rem; overflow-wrap: anywhere; } figcaption b { color: var(--fore); margin-right: .5rem; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; fill: var(--quiet); }
svg text.y { text-anchor: end; } svg text.x { text-anchor: middle; } svg text.pause { fill: var(--interrupted); }
svg rect.done { fill: var(--done); } svg rect.failed { fill: var(--failed); }
svg rect.interrupted { fill: var(--interrupted); } svg rect.busy { fill: var(--busy); }
.grid { stroke: var(--edge); } line.pause { stroke: var(--interrupted); stroke-dasharray: 3 3; }
.curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; } .curve.interrupted { stroke: var(--interrupted); }
.curve.h0 { stroke: var(--h0); } .curve.h1 { stroke: var(--h1); } .curve.h2 { stroke: var(--h2); }
.curve.h3 { stroke: var(--h3); } .curve.h4 { stroke: var(--h4); } .curve.h5 { stroke: var(--h5); }
.key { margin-right: .6rem; white-space: nowrap; }
.key.h0 { color: var(--h0); } .key.h1 { color: var(--h1); } .key.h2 { color: var(--h2); }
.key.h3 { color: var(--h3); } .key.h4 { color: var(--h4); } .key.h5 { color: var(--h5); }
.key::before { content: "— "; }
.beside { display: flex; flex-wrap: wrap; gap: 2rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--edge); vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; } .number { text-align: right; white-space: nowrap; }
details { border-bottom: 1px solid var(--edge); padding: .35rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--edge); border-radius: .4rem; padding: .7rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .5rem 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
footer { max-width: 76rem; margin: 2rem auto; padding: 0 1.25rem; font-size: .85rem; }
"""
