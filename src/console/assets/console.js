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
