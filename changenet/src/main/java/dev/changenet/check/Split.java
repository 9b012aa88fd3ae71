package dev.changenet.check;

import java.nio.file.Path;
import java.util.List;

/**
 * A split whose list can be read.
 *
 * @param role what it is for
 * @param name name of the list
 * @param list the list
 * @param pairs the pairs, in list order; one that is named twice stands there twice
 */
record Split(Role role, String name, Path list, List<PairFacts> pairs) {}
