'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const { build, steps, edges, critical, image, previous } = data;
  const byId = (id) => document.getElementById(id);

  // Elements. What a build said only ever becomes text, never markup.

  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === 'style') Object.entries(value).forEach(([key, text]) => node.style.setProperty(key, text));
      else if (name === 'box') node.dataset.box = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  function svg(tag, attributes) {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    return node;
  }

  // Numbers as people read them.

  function time(ms) {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
    const seconds = Math.round(ms / 1000);
    return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
  }

  function size(bytes) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    while (bytes >= 999.5 && unit + 1 < units.length) {
      bytes /= 1000;
      unit += 1;
    }
    return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toPrecision(3)} ${units[unit]}`;
  }

  const percent = (part, whole) => (whole > 0 ? Math.round((part * 100) / whole) : 0);
  const count = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const plural = (number, word) => `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`;
  const stageTitle = (step) => (/^\d+$/.test(step.stage) ? `stage ${step.stage}` : step.stage);
  const isCritical = new Set(critical.steps);
  const ends = steps.map((step) => step.begun_ms + step.duration_ms);
  const lastEnd = Math.max(0, ...ends);
  const total = Math.max(1, build.duration_ms || 0, lastEnd);

  /// The steps by stage, in the order of the file.
  const stages = [];
  for (const step of steps) {
    const last = stages[stages.length - 1];
    if (last && last.index === step.stage_index) last.steps.push(step);
    else stages.push({ index: step.stage_index, name: stageTitle(step), steps: [step] });
  }

  function head() {
    document.title = `Build ${build.id} – iechor`;
    byId('title').textContent = `Build ${build.id}`;
    const status = byId('status');
    status.textContent = build.status;
    status.classList.add(build.status);
    const facts = [
      ['file', build.file],
      ['context', build.context],
      ['target', build.target],
      ['names', build.tags.join(', ')],
      ['begun', new Date(build.started * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC')],
    ];
    const row = ([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
    byId('facts').append(...facts.filter(([, value]) => value).map(row));
  }

  function tile(name, value, more, extra) {
    return el('div', { class: 'tile' },
      el('p', { class: 'name' }, name),
      el('p', { class: 'value' }, value),
      el('p', { class: 'more' }, more),
      extra);
  }

  function tiles() {
    const all = steps.length;
    const hits = build.hits;
    const others = all - hits - build.misses - build.failed;
    const saved = steps.filter((step) => step.outcome === 'hit')
      .reduce((sum, step) => sum + Math.max(0, (step.made_in_ms || 0) - step.duration_ms), 0);
    const part = (name, number) => number > 0
      ? el('span', { class: name, style: { width: `${(number * 100) / all}%` } }) : null;
    const ratio = el('div', { class: 'ratio', role: 'img', 'aria-label': `${hits} of ${all} steps were hits` },
      part('hit', hits), part('miss', build.misses), part('failed', build.failed + others));
    byId('tiles').append(
      tile('Time', build.duration_ms === null ? '–' : time(build.duration_ms), against()),
      tile('Cache', `${percent(hits, all)} %`, `${count(hits, 'hit')}, ${build.misses} miss${build.misses === 1 ? '' : 'es'}${build.failed ? `, ${build.failed} failed` : ''}`, ratio),
      tile('Spared by the cache', time(saved), 'what the hits took when they were made'),
      image
        ? tile('Image', size(image.bytes), image.wasted > 0 ? `${size(image.wasted)} of it wasted` : `${count(image.layers.length, 'layer')}, nothing wasted`)
        : tile('Written', size(build.bytes), 'by the executed steps'));
  }

  function against() {
    if (!previous || previous.build.duration_ms === null || build.duration_ms === null) return 'the first build of this file';
    const change = build.duration_ms - previous.build.duration_ms;
    const word = change <= 0 ? 'less' : 'more';
    return `${time(Math.abs(change))} ${word} than build ${previous.build.id}`;
  }

  // Timeline

  function legend(id, entries) {
    byId(id).append(...entries.map(([mark, text]) => el('li', {}, mark, text)));
  }

  const swatch = (kind) => el('span', { class: `swatch ${kind}` });

  function bar(begun, took, kind, text) {
    return el('span', {
      class: `bar ${kind}`,
      title: text,
      style: { left: `min(${(begun * 100) / total}%, 100% - 4px)`, width: `${(took * 100) / total}%` },
    });
  }

  function fact(name, value) {
    return value ? [el('dt', {}, name), el('dd', {}, value)] : [];
  }

  function timelineStep(step) {
    const kind = `${step.outcome}${isCritical.has(step.number) ? ' critical' : ''}`;
    const mark = bar(step.begun_ms, step.duration_ms, kind, `${step.text}: ${step.outcome}, ${time(step.duration_ms)}`);
    mark.dataset.box = 'step';
    const diamond = isCritical.has(step.number)
      ? el('span', { class: 'diamond', title: 'on the critical path' }, '◆') : null;
    return el('details', { class: 'step' },
      el('summary', {},
        el('span', { class: 'step-name' },
          el('span', { class: 'number' }, `#${step.number}`),
          el('code', { title: step.text }, step.text),
          diamond),
        el('span', { class: 'track' }, mark),
        el('span', { class: 'took' }, time(step.duration_ms))),
      el('dl', { class: 'details' },
        fact('step', step.label),
        fact('instruction', el('code', { class: 'mono' }, step.text)),
        fact('went', `${step.outcome}, begun ${time(step.begun_ms)} into the build`),
        fact('why', step.reason),
        fact('wrote', step.bytes > 0 ? size(step.bytes) : ''),
        fact('place', step.place),
        fact('key', step.record ? el('code', { class: 'mono' }, step.record) : ''),
        fact('snapshot', step.snapshot ? el('code', { class: 'mono' }, step.snapshot) : ''),
        fact('log', step.log ? el('code', { class: 'mono' }, step.log) : '')));
  }

  function timelineStage(stage) {
    const took = stage.steps.reduce((sum, step) => sum + step.duration_ms, 0);
    return el('div', { class: 'stage' },
      el('h3', { class: 'stage-name' }, stage.name, el('span', {}, `${count(stage.steps.length, 'step')}, ${time(took)}`)),
      stage.steps.map(timelineStep));
  }

  /// What follows the last step: the image is put together, named and written.
  function rest() {
    const took = (build.duration_ms || 0) - lastEnd;
    if (build.status !== 'succeeded' || took <= 0) return null;
    return el('div', { class: 'stage' },
      el('h3', { class: 'stage-name' }, 'image'),
      el('div', { class: 'step' }, el('details', { class: 'step' },
        el('summary', {},
          el('span', { class: 'step-name' }, el('span', { class: 'number' }), el('code', {}, 'put together and written')),
          el('span', { class: 'track' }, bar(lastEnd, took, 'export', `the image: ${time(took)}`)),
          el('span', { class: 'took' }, time(took))),
        el('dl', { class: 'details' }, fact('image', build.image), fact('names', build.tags.join(', '))))));
  }

  function timeline() {
    const share = percent(critical.duration_ms, total);
    byId('timeline-lead').textContent = steps.length === 0
      ? 'The build came to no step.'
      : `The critical path took ${time(critical.duration_ms)} (${share} % of the build): `
        + `${count(critical.steps.length, 'step')}, each of which waited for the one before. To build faster, begin there.`;
    legend('timeline-legend', [
      [swatch('hit'), 'hit'],
      [swatch('miss'), 'executed'],
      ...(build.failed ? [[swatch('failed'), 'failed']] : []),
      ...(build.status === 'succeeded' ? [[swatch('export'), 'image']] : []),
      [el('span', { class: 'diamond' }, '◆'), 'on the critical path'],
    ]);
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => el('span', { style: { left: `${at * 100}%` } }, time(total * at)));
    byId('timeline-chart').append(
      el('div', { class: 'axis', 'aria-hidden': 'true' }, el('div', { class: 'ticks' }, ticks)),
      ...stages.map(timelineStage));
    const image = rest();
    if (image) byId('timeline-chart').append(image);
  }

  // Cache graph: a lane for each stage, a row for each step.

  const LANE = 22;

  function graphNode(step, lane, isFirst) {
    const follows = (step.reason || '').startsWith('follows ') ? ' follows' : '';
    const reason = step.reason && step.outcome !== 'hit' ? el('span', { class: `why${follows}` }, step.reason) : null;
    const node = el('div', { class: `node ${step.outcome}${isFirst ? ' first' : ''}`, box: 'node' },
      isFirst ? el('h3', { class: 'lane-name' }, stages[lane].name) : null,
      reason,
      el('div', { class: 'what' },
        el('span', { class: 'number' }, `#${step.number}`),
        el('code', { title: step.text }, step.text),
        el('span', { class: `pill ${step.outcome}` }, step.outcome)));
    node.style.paddingLeft = `${stages.length * LANE + 10}px`;
    return node;
  }

  function cacheGraph() {
    const ended = (outcome) => steps.filter((step) => step.outcome === outcome);
    const [misses, failed, cancelled] = ['miss', 'failed', 'cancelled'].map(ended);
    const executed = misses.length + failed.length + cancelled.length;
    const first = misses.find((step) => step.reason && !step.reason.startsWith('follows '));
    const badly = [[failed, 'failed'], [cancelled, 'cancelled']]
      .filter(([these]) => these.length > 0)
      .map(([these, how]) => `, ${these.length} ${how}`).join('');
    byId('cache-lead').textContent = executed === 0
      ? 'Every step had a cached result.'
      : `${count(executed, 'step')} ${executed === 1 ? 'was' : 'were'} executed${badly}.`
        + (first ? ` The first that changed is #${first.number}: ${first.reason}.` : '');
    legend('cache-legend', [
      [swatch('line'), 'next in the stage, or its base'],
      [swatch('line dashed'), 'takes files from'],
      [el('span', { class: 'pill miss' }, 'ARG N 1 -> 2'), 'what changed first'],
    ]);
    const graph = el('div', { class: 'graph' });
    const rows = new Map();
    stages.forEach((stage, lane) => stage.steps.forEach((step, at) => {
      const node = graphNode(step, lane, at === 0);
      rows.set(step.number, { node, lane, step });
      graph.append(node);
    }));
    byId('cache-graph').append(graph);
    let picture = null;
    const draw = () => {
      if (picture) picture.remove();
      picture = svg('svg', { 'aria-hidden': 'true' });
      edges.forEach((edge) => drawEdge(picture, rows.get(edge.from), rows.get(edge.to), edge));
      rows.forEach((row) => picture.append(dot(row)));
      graph.append(picture);
    };
    new ResizeObserver(draw).observe(graph);
    draw();
  }

  function middle(row) {
    const what = row.node.querySelector('.what');
    return { x: row.lane * LANE + LANE / 2, y: row.node.offsetTop + what.offsetTop + what.offsetHeight / 2 };
  }

  function dot(row) {
    const { x, y } = middle(row);
    const circle = svg('circle', { cx: x, cy: y, r: 6, class: row.step.outcome });
    return circle;
  }

  function drawEdge(picture, from, to, edge) {
    if (!from || !to) return;
    const [a, b] = [middle(from), middle(to)];
    // Below its last step a stage's lane is free: a line to another lane goes down there and turns
    // when it is beside the step that it leads to.
    const turn = Math.min(18, (b.y - a.y) / 2);
    const d = a.x === b.x
      ? `M ${a.x} ${a.y} V ${b.y}`
      : `M ${a.x} ${a.y} V ${b.y - turn} Q ${a.x} ${b.y}, ${a.x + Math.sign(b.x - a.x) * turn} ${b.y} H ${b.x}`;
    const path = svg('path', { d, class: `${to.step.outcome} ${edge.kind}` });
    path.dataset.box = 'edge';
    picture.append(path);
  }

  // Treemap: squarified (Bruls, Huizing, van Wijk), layers first.

  const HUES = [214, 160, 32, 282, 190, 340, 52, 250];

  function squarify(parts, area) {
    const whole = parts.reduce((sum, part) => sum + part.bytes, 0);
    if (whole === 0) return [];
    const scale = (area.w * area.h) / whole;
    const left = { ...area };
    const placed = [];
    let row = [];
    const worst = (candidates, side) => {
      const sum = candidates.reduce((all, part) => all + part.bytes, 0) * scale;
      const most = Math.max(...candidates.map((part) => part.bytes)) * scale;
      const least = Math.min(...candidates.map((part) => part.bytes)) * scale;
      return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
    };
    const place = () => {
      const sum = row.reduce((all, part) => all + part.bytes, 0) * scale;
      const across = left.w >= left.h;
      const depth = sum / (across ? left.h : left.w);
      let along = 0;
      row.forEach((part) => {
        const length = (part.bytes * scale) / depth;
        placed.push({ part, area: across
          ? { x: left.x, y: left.y + along, w: depth, h: length }
          : { x: left.x + along, y: left.y, w: length, h: depth } });
        along += length;
      });
      if (across) { left.x += depth; left.w -= depth; } else { left.y += depth; left.h -= depth; }
      row = [];
    };
    parts.forEach((part) => {
      const side = Math.min(left.w, left.h);
      if (row.length > 0 && worst([...row, part], side) > worst(row, side)) place();
      row.push(part);
    });
    if (row.length > 0) place();
    return placed;
  }

  function authorText(layer) {
    return layer.author.text || 'a layer that nobody remembers';
  }

  function describe(name, part, layer) {
    const wasted = part.wasted > 0 ? `, ${size(part.wasted)} wasted` : '';
    return `${name}: ${size(part.bytes)} in ${plural(part.files, 'file')}${wasted} – layer ${layer.number}, ${authorText(layer)}`;
  }

  /// A box and everything in it. `gap` parts it from its neighbours, its name takes room if it can.
  function box(target, part, area, context) {
    const { kind, name, path, layer, depth } = context;
    const inset = area.w > 8 && area.h > 8 ? (kind === 'layer' ? 2 : 1) : 0;
    const inner = { w: Math.max(0, area.w - 2 * inset), h: Math.max(0, area.h - 2 * inset) };
    const node = el('div', {
      class: `box ${kind}`,
      box: kind,
      style: {
        left: `${area.x + inset}px`, top: `${area.y + inset}px`, width: `${inner.w}px`, height: `${inner.h}px`,
        '--depth': String(Math.min(depth, 5)),
      },
    });
    const named = inner.w > 46 && inner.h > 17;
    if (named) node.append(el('span', { class: 'name' }, name));
    node.dataset.said = describe(path, part, layer);
    target.append(node);
    const parts = (part.parts || []).filter((one) => one.bytes > 0);
    if (parts.length === 0) {
      if (part.wasted > 0) {
        const share = (part.wasted * 100) / part.bytes;
        node.append(el('span', { class: 'wasted', style: { height: `${share}%` } }));
      }
      return node;
    }
    const top = named && inner.h > 34 ? 19 : 0;
    squarify(parts, { x: 0, y: top, w: inner.w, h: inner.h - top }).forEach((placed) => {
      const isLeaf = !placed.part.parts || placed.part.parts.length === 0;
      const shown = placed.part.name || plural(placed.part.files, 'smaller file');
      box(node, placed.part, placed.area, {
        kind: isLeaf ? 'leaf' : 'dir',
        name: shown,
        path: placed.part.name ? `${path.replace(/\/$/, '')}/${placed.part.name}` : `${path} (${shown})`,
        layer,
        depth: depth + 1,
      });
    });
    return node;
  }

  function drawMap(map, layers) {
    map.replaceChildren();
    const area = { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight };
    squarify(layers, area).forEach(({ part: layer, area: place }) => {
      const node = box(map, layer, place, {
        kind: 'layer',
        name: `${layer.number}  ${authorText(layer)}  ${size(layer.bytes)}`,
        path: '/',
        layer,
        depth: 0,
      });
      const hue = HUES[(layer.number - 1) % HUES.length];
      const dark = matchMedia('(prefers-color-scheme: dark)').matches;
      node.style.setProperty('--layer', dark ? `hsl(${hue} 38% 38%)` : `hsl(${hue} 58% 74%)`);
    });
  }

  function imageMap() {
    const lead = byId('image-lead');
    if (!image) {
      lead.textContent = build.image ? 'The image is not here any more.' : 'The build made no image.';
      return;
    }
    const layers = image.layers.map((layer, at) => ({ ...layer, number: at + 1 }));
    const drawn = layers.filter((layer) => layer.bytes > 0).sort((one, other) => other.bytes - one.bytes);
    lead.textContent = `${size(image.bytes)} in ${count(layers.length, 'layer')}. `
      + (image.wasted > 0
        ? `${size(image.wasted)} (${percent(image.wasted, image.bytes)} %) are wasted: a later layer overwrites or deletes them, and they are shipped all the same.`
        : 'Nothing is wasted: no layer overwrites or deletes what is in an earlier one.');
    byId('image-map').append(el('ul', { class: 'legend' },
      el('li', {}, 'one colour a layer'),
      el('li', {}, swatch('wasted'), 'overwritten or deleted by a later layer')));
    if (drawn.length > 0) treemap(byId('image-map'), drawn);
    byId('image-map').append(layerTable(layers), ...wastedTable(layers));
  }

  function treemap(target, layers) {
    const map = el('div', { class: 'map', role: 'img', 'aria-label': 'The image by layer and directory; the table below says the same' });
    const idle = 'Point at a box, or tap it, to see what it is.';
    const probe = el('p', { class: 'probe' }, idle);
    let marked = null;
    const show = (event) => {
      const over = event.target.closest('.box');
      if (marked) marked.classList.remove('marked');
      marked = over;
      if (!over) { probe.replaceChildren(idle); return; }
      over.classList.add('marked');
      const [path, ...more] = over.dataset.said.split(': ');
      probe.replaceChildren(el('strong', {}, path), `: ${more.join(': ')}`);
    };
    map.addEventListener('pointerover', show);
    map.addEventListener('click', show);
    target.append(map, probe);
    let width = 0;
    const fit = () => {
      if (map.clientWidth === width) return;
      width = map.clientWidth;
      drawMap(map, layers);
    };
    fit();
    new ResizeObserver(fit).observe(map);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawMap(map, layers));
  }

  function table(kind, titles, rows) {
    return el('table', { class: `table ${kind}` },
      el('thead', {}, el('tr', {}, titles.map(([title, style]) => el('th', { class: style || '', scope: 'col' }, title)))),
      el('tbody', {}, rows));
  }

  function layerTable(layers) {
    const rows = layers.map((layer) => el('tr', { box: 'layer-row' },
      el('td', { class: 'nr' }, String(layer.number)),
      el('td', {}, el('code', {}, authorText(layer))),
      el('td', { class: 'num' }, size(layer.bytes)),
      el('td', { class: 'num' }, layer.wasted > 0 ? size(layer.wasted) : '–')));
    return el('details', { class: 'more' },
      el('summary', {}, 'The layers as a table'),
      table('layers', [['#', 'nr'], ['made by'], ['size', 'num'], ['wasted', 'num']], rows));
  }

  /// The files and directories that waste most.
  function wastedTable(layers) {
    const found = [];
    const collect = (part, path, layer) => {
      const parts = part.parts || [];
      if (parts.length === 0 && part.wasted > 0) found.push({ path: path || '/', wasted: part.wasted, layer });
      parts.forEach((one) => collect(one, `${path}/${one.name || '(smaller files)'}`, layer));
    };
    layers.forEach((layer) => collect(layer, '', layer));
    if (found.length === 0) return [];
    found.sort((one, other) => other.wasted - one.wasted);
    const rows = found.slice(0, 20).map((one) => el('tr', {},
      el('td', { class: 'nr' }, String(one.layer.number)),
      el('td', {}, el('code', {}, one.path)),
      el('td', { class: 'num' }, size(one.wasted))));
    return [el('details', { class: 'more' },
      el('summary', {}, 'What wastes most'),
      table('wasted', [['#', 'nr'], ['path in that layer'], ['wasted', 'num']], rows))];
  }

  // The build before

  function beforeRow(step, then) {
    const change = then ? step.duration_ms - then.duration_ms : 0;
    const isSame = then && then.outcome === step.outcome && Math.abs(change) < 10;
    const style = Math.abs(change) < 10 ? '' : change < 0 ? 'faster' : 'slower';
    const outcome = then
      ? [el('span', { class: `pill ${then.outcome}` }, then.outcome), el('span', { class: 'arrow' }, '→'), el('span', { class: `pill ${step.outcome}` }, step.outcome)]
      : [el('span', { class: `pill ${step.outcome}` }, step.outcome)];
    const changed = then && then.text !== step.text ? el('div', { class: 'note' }, 'was ', el('code', {}, then.text)) : null;
    return el('tr', { class: isSame ? 'same' : '', box: 'compared' },
      el('td', { class: 'nr' }, `#${step.number}`),
      el('td', { class: 'what' }, el('code', { title: step.text }, step.text), changed),
      el('td', { class: 'how' }, outcome),
      el('td', { class: 'num then' }, then ? time(then.duration_ms) : 'new'),
      el('td', { class: 'num' }, time(step.duration_ms)),
      el('td', { class: `num ${style}` }, then ? difference(change) : ''));
  }

  function difference(ms) {
    if (Math.abs(ms) < 10) return '±0';
    return `${ms < 0 ? '−' : '+'}${time(Math.abs(ms))}`;
  }

  function before() {
    const lead = byId('before-lead');
    if (!previous) {
      lead.textContent = 'This is the first build of this file with this context and target.';
      return;
    }
    const then = new Map(previous.steps.map((step) => [step.number, step]));
    const other = previous.build;
    lead.textContent = `Build ${other.id} (${other.status}) had ${count(other.hits, 'hit')} and ${other.misses} executed`
      + (other.duration_ms === null ? '.' : ` and took ${time(other.duration_ms)}.`)
      + (previous.gone ? ` ${count(previous.gone, 'step')} of it ${previous.gone === 1 ? 'is' : 'are'} gone.` : '');
    const titles = [['#', 'nr'], ['step'], ['then → now', 'how'], ['then', 'num then'], ['now', 'num'], ['change', 'num']];
    byId('before-table').append(table('before', titles, steps.map((step) => beforeRow(step, then.get(step.number)))));
  }

  head();
  tiles();
  timeline();
  cacheGraph();
  imageMap();
  before();
  document.documentElement.dataset.drawn = 'yes';
})();
