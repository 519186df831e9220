using Akka.Actor;
using Akka.Event;
using FerActors.Inference.Models;
using FerActors.Shared.Protocol;
using FerActors.Vision.Imaging;

namespace FerActors.Inference.Pipeline;

/// <summary>Decodes, detects and aligns one image at a time on a thread of its own.</summary>
public sealed class AlignmentWorkerActor : ReceiveActor
{
    private readonly NativeThread _thread;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Func<FaceExtractor> _create;

    // Touched by the worker's own thread only.
    private FaceExtractor? _extractor;

    /// <param name="create">Makes the worker's extractor, on its thread, with the first image.</param>
    public AlignmentWorkerActor(Func<FaceExtractor> create)
    {
        _create = create;
        _thread = new NativeThread(Self.Path.Name);
        Receive<AlignImage>(Align);
    }

    protected override void PostStop()
    {
        _ = _thread.Run(() =>
        {
            _extractor?.Dispose();
            return true;
        });
        _thread.Dispose();
    }

    private void Align(AlignImage request)
    {
        _ = _thread.Run<object>(() =>
        {
            try
            {
                _extractor ??= _create();
                return _extractor.Extract(request);
            }
            catch (ImageRejectedException e)
            {
                return new ImageRefused(request.Key, e.Code, e.Message);
            }
        }).PipeTo(Sender, Self, failure: cause =>
        {
            _log.Error(cause, "An alignment worker failed on an image");
            return new ImageRefused(request.Key, ErrorCodes.Internal, "The image could not be processed.");
        });
    }
}
