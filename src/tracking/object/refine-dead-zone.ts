/** Dead zone in logits for an object that has kept its shape. */
const maxDeadZone = 3;

/** Non-rigid motion since the keyframe that narrows the dead zone by a factor of e. */
const nonRigidPerFold = 0.1;

/**
 * From this dead zone on the refiner changes next to nothing, and is not asked: non-rigid motion of
 * 0.03.
 */
const maxUsefulDeadZone = 2.22;

/**
 * Dead zone of the refiner: by how much it must disagree with a propagated mask, in logits, before
 * its answer counts.
 * Flow carries a rigid object well, however little it resembles what is around it on the keyframe;
 * there the refiner mostly eats away windows and shadows. Limbs that move against each other are
 * what it is for.
 *
 * @param nonRigidSum what {@link nonRigidMotion} said, summed over the frames since the keyframe
 */
export function refineDeadZone(nonRigidSum: number): number {
  return maxDeadZone * Math.exp(-nonRigidSum / nonRigidPerFold);
}

/** Whether refining an object's mask may change it. */
export function mayRefine(nonRigidSum: number): boolean {
  return refineDeadZone(nonRigidSum) < maxUsefulDeadZone;
}
