// Numbers as people read them, the same as in the terminal.

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** A size in binary units with three significant digits: `512 B`, `1.34 GiB`, `118 KiB`. */
export function bytes(n: number | undefined): string {
  if (n === undefined) return '–';
  if (n < 0) return `−${bytes(-n)}`;
  if (n < 1024) return `${n} B`;
  let value = n / 1024;
  let unit = 0;
  while (value >= 1023.5 && unit + 1 < UNITS.length) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${UNITS[unit]}`;
}

/** A change of a size, with its sign. */
export function change(n: number): string {
  return n > 0 ? `+${bytes(n)}` : bytes(n);
}

const GROUPED = new Intl.NumberFormat('en-US');

/** A count with thousands separators; a dash when it does not apply. */
export function count(n: number | undefined): string {
  return n === undefined ? '–' : GROUPED.format(n);
}

/** A large count in short: `10.0 M`; small ones in full. */
export function shortCount(n: number): string {
  if (n < 100_000) return count(n);
  const [value, unit] = n < 999_500 ? [n / 1e3, 'k'] : n < 999_500_000 ? [n / 1e6, 'M'] : [n / 1e9, 'G'];
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

export function plural(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A share with one decimal. Only nothing is `0%` and only everything is `100%`. */
export function percent(part: number | undefined, whole: number | undefined): string {
  if (part === undefined || whole === undefined || whole === 0) return '–';
  const share = (part * 100) / whole;
  if (part === 0) return '0%';
  if (part === whole) return '100%';
  if (share > 0 && share < 0.05) return '<0.1%';
  if (share >= 99.95 && share < 100) return '>99.9%';
  return `${share.toFixed(1)}%`;
}

/** A duration given in milliseconds: `0.4 ms`, `18 ms`, `2.1 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A time that somebody has waited, rounded down: `9.9 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function waited(ms: number): string {
  const [seconds, minutes, hours] = [Math.floor(ms / 1000), Math.floor(ms / 60_000), Math.floor(ms / 3_600_000)];
  if (seconds < 10) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${minutes} min`;
  if (seconds < 86_400) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const POWERS: Record<string, number> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/**
 * A size as people type it, as `--min-bytes` takes it: `10MiB`, `64k` and `1.5G` in powers of 1024, `10MB` of 1000.
 * Nothing is 0; what is no size is undefined.
 */
export function parseSize(text: string): number | undefined {
  if (text.trim() === '') return 0;
  const parts = /^\s*(\d+(?:\.\d*)?)\s*([kmgt]?)(ib|i|b)?\s*$/i.exec(text);
  if (!parts || (parts[2] === '' && parts[3]?.toLowerCase().startsWith('i'))) return undefined;
  const unit = parts[2] !== '' && parts[3]?.toLowerCase() === 'b' ? 1000 : 1024;
  return Math.round(Number(parts[1]) * unit ** POWERS[parts[2].toLowerCase()]);
}

/** The last element of a path of directories. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

/** A Go name with package paths cut to their last element: `github.com/a/b/c.T` is `c.T`. */
export function shortName(name: string): string {
  return name.replace(/[\w.~-]+\.[\w~-]+\/(?:[\w.~-]+\/)*/g, '').replace(/\b[\w~-]+\/(?=[\w.~/-]*\.)/g, '');
}
