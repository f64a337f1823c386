/** Logits of caution for an object that has kept its shape. */
const mostCaution = 5;

/** Strain since the keyframe that lessens caution by a factor of e. */
const strainPerFold = 0.1;

/** From this caution on the refiner changes next to nothing, and is not asked: a strain of 0.03. */
const pointlessCaution = 3.7;

/**
 * By how much the refiner must disagree with a propagated mask, in logits, before it is heeded.
 * Flow carries a rigid object well, however little it resembles what is around it on the keyframe;
 * there the refiner mostly eats away windows and shadows. Limbs that move against each other are
 * what it is for.
 *
 * @param strainSum what {@link strainOf} said, summed over the frames since the keyframe
 */
export function refineCaution(strainSum: number): number {
  return mostCaution * Math.exp(-strainSum / strainPerFold);
}

/** Whether refining an object's mask may change it. */
export function mayRefine(strainSum: number): boolean {
  return refineCaution(strainSum) < pointlessCaution;
}
