// Adds keyboard shortcuts to the pages. Every page works without this script.
//   /      moves to the search field
//   j, k   move to the next and to the previous row of the list
//   Enter  opens the selected row
'use strict';

(() => {
  const rows = () => [...document.querySelectorAll('table[data-rows] tbody tr')].filter((row) => row.querySelector('a'));
  const isTyping = (target) => target.closest('input, textarea, select, button, summary, [contenteditable]') !== null;
  let selected = null;

  function select(row) {
    if (selected) {
      selected.classList.remove('selected');
    }
    selected = row;
    row.classList.add('selected');
    row.querySelector('a').focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    if (event.key === '/') {
      const search = document.querySelector('[data-search]');
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === 'j' || event.key === 'k') {
      const all = rows();
      if (all.length > 0) {
        event.preventDefault();
        const at = all.indexOf(selected);
        const next = event.key === 'j' ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0);
        select(all[next]);
      }
    }
  });

  // Escape leaves the search field, so that the other keys work again.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && event.target.matches('[data-search]')) {
      event.target.blur();
    }
  });

  // A click next to the menu of projects closes it.
  document.addEventListener('click', (event) => {
    for (const menu of document.querySelectorAll('details.chooser[open]')) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });
})();

// Adds requests to their list as they end. Without this, the list has a link that loads it again.
(() => {
  const list = document.querySelector('[data-live]');
  if (!list || !window.EventSource) {
    return;
  }
  const MAX_ROWS = 200;
  const RETRY_MS = 5000;
  const ANNOUNCE_MS = 1000;
  const state = list.querySelector('[data-live-state]');
  const pause = list.querySelector('[data-live-pause]');
  let source = null;
  let isPaused = false;
  let isCatchingUp = false;
  let wasOpen = false;
  let count = 0;
  let waiting = [];
  let announcement = null;
  let retry = null;

  // The text changes once in a while only, so that screen readers can follow.
  function announce() {
    if (announcement) {
      return;
    }
    announcement = setTimeout(() => {
      announcement = null;
      const word = (number) => (number === 1 ? '1 new request' : `${number} new requests`);
      if (isPaused) {
        state.textContent = `Paused. ${word(waiting.length)}`;
      } else if (!source || source.readyState !== EventSource.OPEN) {
        state.textContent = 'Connecting';
      } else {
        state.textContent = `Live. ${word(count)}`;
      }
    }, ANNOUNCE_MS);
  }

  // The server has escaped the row. A template runs no script.
  function insert(html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    const row = template.content.querySelector('tr');
    const body = list.querySelector('tbody');
    const link = row && row.querySelector('a').getAttribute('href');
    if (!row || [...body.querySelectorAll('a')].some((known) => known.getAttribute('href') === link)) {
      return;
    }
    row.classList.add('new');
    list.querySelector('[data-live-table]').hidden = false;
    const empty = list.querySelector('[data-live-empty]');
    if (empty) {
      empty.hidden = true;
    }
    body.prepend(row);
    while (body.rows.length > MAX_ROWS) {
      body.lastElementChild.remove();
    }
    count += 1;
  }

  function insertWaiting() {
    if (!isPaused && !isCatchingUp) {
      waiting.forEach(insert);
      waiting = [];
    }
  }

  // After an interruption, the page is read again for the requests that were missed.
  async function catchUp() {
    isCatchingUp = true;
    try {
      const response = await fetch(location.href);
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      const fresh = page.querySelector('[data-live-table] tbody');
      if (!response.ok || !fresh || fresh.rows.length === 0) {
        return;
      }
      list.querySelector('tbody').replaceWith(fresh);
      list.querySelector('[data-live-table]').hidden = false;
      const empty = list.querySelector('[data-live-empty]');
      if (empty) {
        empty.hidden = true;
      }
    } catch {
      // The stream reports the next interruption, and then the page is read again.
    } finally {
      isCatchingUp = false;
      insertWaiting();
    }
  }

  function close() {
    clearTimeout(retry);
    if (source) {
      source.close();
      source = null;
    }
  }

  function open() {
    close();
    source = new EventSource(list.dataset.live);
    source.addEventListener('open', () => {
      if (wasOpen) {
        catchUp();
      }
      wasOpen = true;
      announce();
    });
    source.addEventListener('message', (event) => {
      waiting = [...waiting.slice(1 - MAX_ROWS), event.data];
      insertWaiting();
      announce();
    });
    source.addEventListener('error', () => {
      // The browser connects again by itself, unless the server refused the stream.
      if (source && source.readyState === EventSource.CLOSED) {
        retry = setTimeout(open, RETRY_MS);
      }
      announce();
    });
  }

  pause.hidden = false;
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    pause.textContent = isPaused ? 'Continue' : 'Pause';
    insertWaiting();
    announce();
  });
  // Browsers open only a few connections to one host, so pages in the background release theirs.
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  window.addEventListener('pagehide', close);
  window.addEventListener('pageshow', (event) => event.persisted && open());
  if (!document.hidden) {
    open();
  }
})();

// Copies a command line.
(() => {
  for (const button of document.querySelectorAll('[data-copy]')) {
    const text = document.getElementById(button.dataset.copy);
    const result = document.querySelector(`[data-copied="${button.dataset.copy}"]`);
    if (!navigator.clipboard || !text) {
      continue;
    }
    button.hidden = false;
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        result.textContent = 'Copied';
      } catch {
        result.textContent = 'The browser refused to copy. Select the text and copy it.';
      }
    });
  }
})();
