package dev.changenet.train;

import dev.changenet.data.Batch;
import dev.changenet.data.ChangeDataset;
import dev.changenet.model.ChangeNet;
import dev.changenet.nn.optim.Optimizer;
import java.util.Optional;

/**
 * Looks on while a network is trained: event files, tables, reports. Called on the training thread,
 * in the order of the methods; whoever looks on must not change what it sees.
 */
interface TrainObserver extends AutoCloseable {
  /**
   * What exists during the whole training.
   *
   * @param context the run
   * @param net the network, with the weights that training starts from
   * @param optimizer its optimizer
   * @param training the training split
   * @param validation the validation split
   * @param stepsPerEpoch optimizer steps of an epoch
   * @param globalStep steps done before, 0 unless the training resumes
   * @param firstEpoch the epoch that comes next
   */
  record Setup(
      RunContext context,
      ChangeNet net,
      Optimizer optimizer,
      ChangeDataset training,
      ChangeDataset validation,
      int stepsPerEpoch,
      long globalStep,
      int firstEpoch) {}

  /**
   * A step that has been taken.
   *
   * @param epoch zero-based epoch
   * @param globalStep steps done, this one included
   * @param losses the losses before the update
   * @param lr learning rate of the step
   * @param seconds time that the step took
   * @param batch what it was taken on; its arrays hold another batch after the call
   */
  record Step(
      int epoch,
      long globalStep,
      TrainStep.Losses losses,
      double lr,
      double seconds,
      Batch batch) {}

  /**
   * An epoch that is complete.
   *
   * @param epoch zero-based epoch
   * @param globalStep steps done in all
   * @param trainLoss mean loss of its steps
   * @param lr learning rate of its steps
   * @param seconds time of the epoch with its validation
   * @param pairsPerSecond speed of its steps, waiting for data included
   * @param validation what validation found, where there was one
   */
  record Epoch(
      int epoch,
      long globalStep,
      double trainLoss,
      double lr,
      double seconds,
      double pairsPerSecond,
      Optional<Validation.Result> validation) {}

  /** Training is about to start. */
  default void started(Setup setup) {}

  /**
   * The steps of an epoch are about to start.
   *
   * @param epoch zero-based epoch
   * @param batchesDone batches done before, 0 unless the training resumes inside the epoch
   */
  default void epochStarted(int epoch, int batchesDone) {}

  /**
   * Tells whether {@link #gradients} is wanted for the step after {@code globalStep} steps; such a
   * step is not replayed on a GPU.
   */
  default boolean wantsGradients(long globalStep) {
    return false;
  }

  /** The gradients of a step are complete, the weights not yet updated. */
  default void gradients(ChangeNet net, long globalStep) {}

  /** A step has been taken. */
  default void step(Step step) {}

  /** Tells whether {@link #validated} is to see the probability of each class. */
  default boolean wantsProbabilities() {
    return false;
  }

  /** A batch has been validated; its arrays hold another one after the call. */
  default void validated(int epoch, Batch batch, Predictor.Prediction prediction) {}

  /** An epoch is complete. */
  default void epoch(Epoch epoch) {}

  /** All epochs are done. */
  default void finished() {}

  /** The run ends, for whatever reason. */
  @Override
  default void close() {}
}
