package dev.changenet.check;

import java.util.EnumSet;

/** What is known about the files of one list entry. */
final class PairFacts {
  final String name;
  final FileFacts a;
  final FileFacts b;
  final FileFacts mask;

  /** The splits that name it. */
  final EnumSet<Role> roles = EnumSet.noneOf(Role.class);

  /** Whether its headers, and whether its mask shall be read. */
  boolean wantsHeaders;

  boolean wantsMask;

  /** Null unless decoded. */
  PictureFacts pictureA;

  PictureFacts pictureB;
  MaskFacts values;

  /** Whether a palette's colours stand for other classes in color_map than their indices. */
  boolean paletteContradicts;

  PairFacts(String name, FileFacts a, FileFacts b, FileFacts mask) {
    this.name = name;
    this.a = a;
    this.b = b;
    this.mask = mask;
  }

  boolean needsMask() {
    return roles.stream().anyMatch(Role::masks);
  }
}
