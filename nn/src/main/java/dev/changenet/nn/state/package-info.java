/**
 * Weight files and state dictionaries: PyTorch's {@code .pth} (zip and legacy container) read and
 * written without Python, safetensors read, and the renaming of pretrained backbone weights.
 *
 * <p>Files are treated as hostile: reading executes nothing, uses no reflection and allocates no
 * more than the file really holds. Every refusal is a {@link
 * dev.changenet.nn.state.CheckpointException} whose message starts with the path.
 */
package dev.changenet.nn.state;
