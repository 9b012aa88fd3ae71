/**
 * Made-up data sets: aerial scenes of two dates with the changes between them, for trying out,
 * testing and demonstrating training without any downloaded data.
 *
 * <p>{@link dev.changenet.generate.SceneGenerator} is the entry. A scene's {@code SceneLayout} says
 * what stands where at which date, {@code DateConditions} what the day and the camera were like,
 * and {@code SceneRenderer} paints one date.
 */
package dev.changenet.generate;
