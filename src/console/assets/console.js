// Adds to the pages: keyboard shortcuts, live requests, copied texts, sorted tables, and dialogs. Every page works without this script.
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

// Sorts the tables that show a whole list by the column whose name is clicked: ascending, descending, and as the server has sorted them.
(() => {
  const ORDERS = { none: 'ascending', ascending: 'descending', descending: 'none' };
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

  // A table with other pages is sorted by the server, and new requests are added at the top of theirs.
  function isWhole(table) {
    const next = table.closest('.table-frame').nextElementSibling;
    return !table.closest('[data-live]') && !(next && next.matches('nav.pager') && next.querySelector('a'));
  }

  function text(row, column) {
    const cell = row.cells[column];
    return cell.querySelector('.none') ? '' : cell.textContent.trim();
  }

  const number = (value) => Number.parseFloat(value.replace('more than ', '').replaceAll(',', ''));

  function compare(a, b, isNumber) {
    return (isNumber && number(a) - number(b)) || collator.compare(a, b);
  }

  function sort(table, header, original) {
    const order = ORDERS[header.getAttribute('aria-sort') || 'none'];
    for (const other of table.tHead.rows[0].cells) {
      other.removeAttribute('aria-sort');
    }
    const body = table.tBodies[0];
    if (order === 'none') {
      body.append(...original);
      return;
    }
    header.setAttribute('aria-sort', order);
    const column = header.cellIndex;
    const isNumber = header.classList.contains('number');
    const sign = order === 'ascending' ? 1 : -1;
    // Rows without a value are last in both orders.
    body.append(...[...original].sort((a, b) => {
      const [left, right] = [text(a, column), text(b, column)];
      return left && right ? sign * compare(left, right, isNumber) : Number(!left) - Number(!right);
    }));
  }

  for (const table of document.querySelectorAll('table[data-rows]')) {
    if (!table.tHead || table.tBodies[0].rows.length < 2 || !isWhole(table)) {
      continue;
    }
    const original = [...table.tBodies[0].rows];
    for (const header of table.tHead.rows[0].cells) {
      // A column of buttons, or of links to actions, has no order.
      if (original.some((row) => row.cells[header.cellIndex].querySelector('form, [data-dialog]'))) {
        continue;
      }
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'sort';
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener('click', () => sort(table, header, original));
    }
  }
})();

// Opens the pages that ask for a confirmation in a dialog. Without this, their links lead to the pages.
(() => {
  let isOpening = false;

  // The parts of the other page are shown together with this page, so their ids must differ.
  function renameIds(root) {
    for (const node of root.querySelectorAll('[id]')) {
      node.id = `dialog-${node.id}`;
    }
    for (const name of ['for', 'list', 'aria-labelledby', 'aria-describedby']) {
      for (const node of root.querySelectorAll(`[${name}]`)) {
        node.setAttribute(name, node.getAttribute(name).split(' ').map((id) => `dialog-${id}`).join(' '));
      }
    }
  }

  function dialogOf(page) {
    const main = page.querySelector('main');
    const dialog = document.createElement('dialog');
    const heading = document.createElement('h2');
    heading.id = 'dialog-title';
    heading.tabIndex = -1;
    heading.autofocus = true;
    heading.textContent = main.querySelector('h1').textContent;
    main.querySelectorAll('.trail, .heading, .tabs').forEach((part) => part.remove());
    renameIds(main);
    // The headings are one level deeper than on the page.
    for (const part of main.querySelectorAll('h2')) {
      const deeper = document.createElement('h3');
      deeper.id = part.id;
      deeper.append(...part.childNodes);
      part.replaceWith(deeper);
    }
    dialog.setAttribute('aria-labelledby', heading.id);
    dialog.append(heading, ...main.children);
    return dialog;
  }

  async function open(url, opener) {
    if (isOpening) {
      return;
    }
    isOpening = true;
    try {
      const response = await fetch(url);
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (!response.ok || response.redirected || !page.querySelector('main form[method="post"]')) {
        location.assign(url);
        return;
      }
      const dialog = dialogOf(page);
      dialog.addEventListener('close', () => {
        dialog.remove();
        opener.focus();
      });
      dialog.addEventListener('click', (event) => {
        if (event.target.closest('[data-cancel]')) {
          event.preventDefault();
          dialog.close();
        }
      });
      document.body.append(dialog);
      dialog.showModal();
    } catch {
      location.assign(url);
    } finally {
      isOpening = false;
    }
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-dialog]');
    if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      open(link.href, link);
    }
  });

  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-dialog]');
    if (form) {
      event.preventDefault();
      const url = new URL(form.action);
      url.search = new URLSearchParams(new FormData(form));
      open(url.href, event.submitter || form.querySelector('button'));
    }
  });
})();
