// Which of very many points lies near? Points sorted into square cells, so that only a few are looked at.

export class Grid {
  /** `xs` and `ys` are world coordinates. About two points fall into a cell. */
  constructor(xs, ys) {
    const n = xs.length;
    this.xs = xs;
    this.ys = ys;
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let i = 0; i < n; i++) {
      if (xs[i] < x0) x0 = xs[i];
      if (xs[i] > x1) x1 = xs[i];
      if (ys[i] < y0) y0 = ys[i];
      if (ys[i] > y1) y1 = ys[i];
    }
    const side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(n / 2))));
    this.x0 = n ? x0 : 0;
    this.y0 = n ? y0 : 0;
    this.side = side;
    this.cell = Math.max(n ? x1 - x0 : 1, n ? y1 - y0 : 1, 1e-9) / side;
    this.starts = new Uint32Array(side * side + 1);
    const cells = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      cells[i] = this.row(ys[i]) * side + this.column(xs[i]);
      this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < side * side; c++) this.starts[c + 1] += this.starts[c];
    this.order = new Uint32Array(n);
    const fill = this.starts.slice();
    for (let i = 0; i < n; i++) this.order[fill[cells[i]]++] = i;
  }

  column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((x - this.x0) / this.cell)));
  }

  row(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((y - this.y0) / this.cell)));
  }

  /** Calls `see(i)` for every point in the cells that the box touches. */
  within(x0, y0, x1, y1, see) {
    const c0 = this.column(x0), c1 = this.column(x1);
    for (let r = this.row(y0), last = this.row(y1); r <= last; r++) {
      const end = this.starts[r * this.side + c1 + 1];
      for (let k = this.starts[r * this.side + c0]; k < end; k++) see(this.order[k]);
    }
  }

  /** The point nearest to (x, y) within `reach`, or -1. */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    this.within(x - reach, y - reach, x + reach, y + reach, (i) => {
      const dx = this.xs[i] - x, dy = this.ys[i] - y;
      const d = dx * dx + dy * dy;
      if (d <= least) {
        least = d;
        best = i;
      }
    });
    return best;
  }
}
