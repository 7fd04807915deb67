// The estate book as the gateway packs it: a list for each thing that is known, turned into an object an estate.

/** `{estates, lngs, lats, cities}` of the columns that `/v1/map` answers with. */
export function unpack(columns) {
  const { id, name, lng, lat, households, district, city, dealer, coverage, districts, cities, dealers, coverages } = columns;
  const estates = new Array(id.length);
  for (let i = 0; i < id.length; i++) {
    const who = dealers[dealer[i]];
    estates[i] = {
      estate_id: id[i], name: name[i], city: cities[city[i]], district: districts[district[i]],
      households: households[i] || null, coverage: coverages[coverage[i]],
      has: who?.[0] ?? null, has_name: who?.[1] ?? null,
    };
  }
  return {
    estates, lngs: Float64Array.from(lng, (n) => n / 1e6), lats: Float64Array.from(lat, (n) => n / 1e6),
    cities: cities.filter(Boolean).sort(),
  };
}
