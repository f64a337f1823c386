type Json = Readonly<Record<string, unknown>>;

/** Keys of format 1 that have another name in format 2, by section. */
const renamedInFormat2: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  masks: { clearPromptCandidate: 'unambiguousPromptCandidate' },
  tracking: { mirroredPromptLook: 'averageFlipPass' },
};

/**
 * A manifest of an older format in today's, so that models published before still load. Only names
 * differ so far. What is no manifest of a known older format comes back as it is, for the schema to
 * judge.
 */
export function upgradeManifest(manifest: unknown): unknown {
  if (!isObject(manifest) || manifest['formatVersion'] !== 1) return manifest;
  const upgraded: Record<string, unknown> = { ...manifest, formatVersion: 2 };
  for (const [section, names] of Object.entries(renamedInFormat2)) {
    const before = manifest[section];
    if (isObject(before)) upgraded[section] = withNames(before, names);
  }
  return upgraded;
}

function withNames(section: Json, names: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    Object.entries(section).map(([key, value]) => [names[key] ?? key, value]),
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
